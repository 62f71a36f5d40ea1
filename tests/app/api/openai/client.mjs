// OpenAI's client for Node: node client.mjs BASE_URL prints as JSON what it was answered.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "any-key", maxRetries: 0 });
const asked = { model: "base", messages: [{ role: "user", content: "What does the platinum card cost?" }] };
const schema = { type: "object", properties: { fee: { type: "number" } }, required: ["fee"] };

const whole = await client.chat.completions.create(asked);
let streamed = "";
for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
  streamed += chunk.choices[0].delta.content ?? "";
}
const json = { type: "json_schema", json_schema: { name: "fee", schema, strict: true } };
const parsed = await client.chat.completions.parse({ ...asked, response_format: json });
const response = await client.responses.create({ model: "base", input: asked.messages[0].content });
const vectors = await client.embeddings.create({ model: "fake", input: "card" });
const refused = await client.chat.completions
  .create({ ...asked, n: 2 })
  .catch((error) => [error.status, error.param]);

console.log(
  JSON.stringify({
    whole: whole.choices[0].message.content,
    citation: whole.choices[0].message.annotations[0].url_citation.url,
    streamed,
    parsed: parsed.choices[0].message.parsed,
    response: response.output_text,
    dimensions: vectors.data[0].embedding.length,
    refused,
  }),
);
