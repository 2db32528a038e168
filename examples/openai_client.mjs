// The official OpenAI client for JavaScript: npm install openai
// Start the server first: fusion serve --preset offline
// Real models: set OPENROUTER_API_KEY for the server and start it with --preset budget.
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: `${process.env.FUSION_URL ?? "http://127.0.0.1:8000"}/v1`,
  apiKey: process.env.FUSION_KEY ?? "none",
});
const stream = await client.chat.completions.create({
  model: "fusion",
  messages: [{ role: "user", content: "What does the check verify?" }],
  fusion: { max_rounds: 0 }, // any of our settings
  stream: true,
});
for await (const chunk of stream) {
  if (chunk.fusion) console.log(`[${chunk.fusion.type}]`); // progress
  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
}
console.log();
