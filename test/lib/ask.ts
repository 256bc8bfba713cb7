// One request, as a process: ask.ts URL MAXBYTES prints how many bytes came, or the code.
import { HttpClient, RequestError } from "#lib/request.ts";

const [url = "", most = ""] = process.argv.slice(2);
const http = new HttpClient();
try {
  const { bytes } = await http.request(url, { maxBytes: Number(most), timeoutMs: 60_000 });
  process.stdout.write(String(bytes.length));
} catch (error) {
  process.stdout.write(error instanceof RequestError ? error.code : String(error));
} finally {
  http.close();
}
