// Ask with fetch, which browsers and Node have: node ask.mjs QUESTION
const url = process.env.DOMAINQA_URL ?? "http://127.0.0.1:7860";
const key = process.env.DOMAINQA_KEY;

const response = await fetch(`${url}/v1/generate`, {
  method: "POST",
  headers: {
    "Content-Type": "application/json",
    ...(key && { Authorization: `Bearer ${key}` }),
  },
  body: JSON.stringify({ input: process.argv[2], adapter_id: "base", collection: "bank" }),
});
const answer = await response.json();
if (!response.ok) throw new Error(answer.error.message);
console.log(answer.text);
for (const { number, document, quote } of answer.citations) {
  console.log(`[${number}] ${document}: ${quote}`);
}
