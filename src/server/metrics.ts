import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** The server's figures in Prometheus' form. No label carries what a client can make up. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    requests: new Counter({
      name: "edict_http_requests_total",
      help: "Requests answered.",
      labelNames: ["route", "status"],
      registers,
    }),
    seconds: new Histogram({
      name: "edict_http_request_seconds",
      help: "From a request's head to its answer.",
      labelNames: ["route"],
      buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
      registers,
    }),
    reports: new Counter({
      name: "edict_reports_total",
      help: "Events from devices, by what became of them.",
      labelNames: ["result"],
      registers,
    }),
    waiting: new Gauge({ name: "edict_devices_waiting", help: "Devices that wait to hear of news.", registers }),
    devices: new Gauge({ name: "edict_devices", help: "Devices enrolled.", registers }),
    resigned: new Gauge({
      name: "edict_timestamp_signed_seconds",
      help: "When the repository's timestamp was last signed, seconds since the epoch.",
      registers,
    }),
  };
}
export type Metrics = ReturnType<typeof createMetrics>;
