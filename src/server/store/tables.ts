import type { ColumnType, Generated } from "kysely";

/** A point in time: written as ISO 8601, read as the driver's Date. */
type Timestamp = ColumnType<Date, string, string>;
/** 64 bits: one driver reads text, the other a number. */
type Sequence = Generated<string | number | bigint>;

export interface Tables {
  devices: {
    id: string;
    public_key: string;
    hostname: string | null;
    os: string;
    agent_version: string;
    enrolled_at: Timestamp;
    seen_at: Timestamp;
  };
  reports: {
    seq: Sequence;
    device: string;
    uid: string;
    received_at: Timestamp;
    time: Timestamp;
    class_uid: number;
    did: string | null;
    ban: string | null;
    tool: string | null;
    mode: string | null;
    person: string | null;
    message: string | null;
    event: string;
  };
  requests: {
    seq: Sequence;
    device: string;
    id: string;
    received_at: Timestamp;
    at: Timestamp;
    ban: string;
    person: string;
    reason: string;
  };
}
