import { Hono } from "hono";
import { z } from "zod";
import { version } from "#lib/version.ts";
import { enrolAnswerSchema, enrolRequestSchema } from "#protocol/enrolment.ts";
import { refusalSchema } from "#protocol/proof.ts";
import {
  exceptionRequestSchema,
  reportAnswerSchema,
  reportBatchSchema,
  requestAnswerSchema,
} from "#protocol/report.ts";
import { wakeAnswerSchema, wakePath, wakeRequestSchema } from "#protocol/wake.ts";
import type { Env } from "#server/deps.ts";
import { grantSchema } from "#server/routes/exceptions.ts";

interface Operation {
  readonly method: "get" | "post" | "delete";
  readonly path: string;
  readonly summary: string;
  readonly security: "device" | "enrolment" | "admin" | "none";
  readonly body?: z.ZodType;
  readonly answer?: z.ZodType;
}

/** Every route, as `/openapi.json` tells it; a test holds it to what the server answers. */
export const operations: readonly Operation[] = [
  {
    method: "post",
    path: "/api/v1/enrol",
    summary: "Enrol a device's key",
    security: "enrolment",
    body: enrolRequestSchema,
    answer: enrolAnswerSchema,
  },
  {
    method: "post",
    path: "/api/v1/reports",
    summary: "Take a batch of OCSF events, each stored once per device and uid",
    security: "device",
    body: reportBatchSchema,
    answer: reportAnswerSchema,
  },
  {
    method: "post",
    path: "/api/v1/requests",
    summary: "Ask for an exception",
    security: "device",
    body: exceptionRequestSchema,
    answer: requestAnswerSchema,
  },
  {
    method: "post",
    path: wakePath,
    summary:
      "Wait for news of the repository: answered at once where another edition is there, and after four minutes at the latest",
    security: "device",
    body: wakeRequestSchema,
    answer: wakeAnswerSchema,
  },
  {
    method: "post",
    path: "/api/v1/proposals",
    summary: "Publish a proposal that meets the signing threshold",
    security: "none",
  },
  {
    method: "post",
    path: "/api/v1/exceptions",
    summary: "Grant a device an exception, no longer than the ban allows",
    security: "admin",
    body: grantSchema,
  },
  {
    method: "delete",
    path: "/api/v1/exceptions",
    summary: "Take exceptions back: ?ban=, ?device= or both",
    security: "admin",
  },
  { method: "get", path: "/api/v1/devices", summary: "Devices, by id, after one of them", security: "admin" },
  { method: "get", path: "/api/v1/reports", summary: "Reports, in the order of their storing", security: "admin" },
  { method: "get", path: "/api/v1/requests", summary: "Requests for exceptions", security: "admin" },
  { method: "get", path: "/healthz", summary: "The process answers", security: "none" },
  { method: "get", path: "/readyz", summary: "The database answers and a repository is there", security: "none" },
  { method: "get", path: "/metrics", summary: "Figures for Prometheus", security: "none" },
];

const schemes = {
  device: {
    type: "apiKey",
    in: "header",
    name: "Edict-Proof",
    description: "A JWS by the device's key over this request",
  },
  enrolment: { type: "http", scheme: "bearer", description: "The enrolment secret, and an Edict-Proof by the new key" },
  admin: { type: "http", scheme: "bearer", description: "The administrator's token" },
} as const;

const json = (schema: z.ZodType | undefined) => ({
  content: { "application/json": { schema: schema === undefined ? {} : z.toJSONSchema(schema, { io: "input" }) } },
});

/** GET /openapi.json (OpenAPI 3.1), made from the very schemas that requests are held to. */
export function openapiRoutes(): Hono<Env> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { method, path, summary, security, body, answer } of operations) {
    const refusal = { description: "Refused", ...json(refusalSchema) };
    paths[path] = {
      ...paths[path],
      [method]: {
        summary,
        security: security === "none" ? [] : [{ [security]: [] }],
        ...(body !== undefined && { requestBody: { required: true, ...json(body) } }),
        responses: { "200": { description: "Done", ...(answer !== undefined && json(answer)) }, default: refusal },
      },
    };
  }
  const document = {
    openapi: "3.1.0",
    info: { title: "Edict server", version },
    paths,
    components: { securitySchemes: schemes },
  };
  return new Hono<Env>().get("/openapi.json", (c) => c.json(document));
}
