import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { readFileSync } from "node:fs";
import type { OcsfEvent } from "#protocol/ocsf.ts";

interface Schema {
  readonly $defs: Record<string, Record<string, unknown>>;
}

const classes = {
  1007: "class_process_activity",
  5020: "class_software_info",
  6002: "class_application_lifecycle",
} as const;

/** The fixture as it is. */
export function fixture(): Schema {
  const file = new URL("../fixtures/ocsf-subset.schema.json", import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as Schema;
}

/**
 * Application Lifecycle demands `uid` or `name` of the event itself, and forbids both there: nothing can satisfy it (a test
 * proves that). The demand belongs to `app`, whose own definition makes it; here it is taken away from the event.
 */
function corrected(): Schema {
  const schema = fixture();
  delete schema.$defs["class_application_lifecycle"]?.["allOf"];
  return schema;
}

export function validator(schema: Schema, className: string): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, allErrors: true }).addSchema(schema, "ocsf");
  const validate = ajv.getSchema(`ocsf#/$defs/${className}`);
  if (validate === undefined) throw new Error(`${className} is not in the schema`);
  return validate;
}

const compiled = new Map<number, ValidateFunction>();

/** What is wrong with an event, in ajv's words; empty when nothing is. */
export function faults(event: OcsfEvent): string[] {
  const { class_uid } = event;
  const validate =
    compiled.get(class_uid) ?? validator(class_uid === 6002 ? corrected() : fixture(), classes[class_uid]);
  compiled.set(class_uid, validate);
  if (validate(event)) return [];
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ""}`);
}
