// Hold AsyncAPI documents against the official parser: node validate.mjs FILE...
import { readFile } from "node:fs/promises";
import { DiagnosticSeverity, Parser } from "@asyncapi/parser";

const parser = new Parser();
for (const file of process.argv.slice(2)) {
  const { diagnostics } = await parser.parse(await readFile(file, "utf8"), { source: file });
  const wrong = diagnostics.filter(({ severity }) => severity <= DiagnosticSeverity.Warning);
  for (const { message, path, range } of wrong) {
    console.error(`${file}:${range.start.line + 1}: ${message} (${path.join(" ")})`);
  }
  console.log(`${file}: ${wrong.length ? "refused" : "sound"}, says the AsyncAPI parser`);
  if (wrong.length) process.exitCode = 1;
}
