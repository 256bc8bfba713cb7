import http from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface Web {
  readonly url: string;
  /** "GET /path" of every request, in order. */
  readonly asked: string[];
  /** How many connections were opened. */
  connections(): number;
}

/** A real server on loopback that answers as the test says, closed when the test is over. */
export async function serve(answer: http.RequestListener): Promise<Web> {
  const asked: string[] = [];
  let connections = 0;
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  server.on("connection", (_socket: Socket) => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise((resolve) => void server.close(() => resolve()));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, asked, connections: () => connections };
}
