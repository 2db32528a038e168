// Vercel's AI SDK with its default (Responses) model against a running server; prints JSON.
import { createOpenAI } from "@ai-sdk/openai";
import { generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";

const [baseURL, image, file] = process.argv.slice(2);
const openai = createOpenAI({ baseURL, apiKey: "none" });
const model = openai("fusion");
const said = {};

const first = await generateText({ model, prompt: "What is it?", maxRetries: 0 });
said.text = first.text;

const messages = [
  { role: "user", content: "What is it?" }, ...first.response.messages,
  { role: "user", content: "And twice that?" },
];
said.second = (await generateText({ model, messages, maxRetries: 0 })).text;

said.stream = "";
const stream = streamText({ model, messages, maxRetries: 0 });
for await (const piece of stream.textStream) said.stream += piece;
said.finish = await stream.finishReason;

const lookup = tool({
  description: "Look up a number.",
  inputSchema: jsonSchema({
    type: "object", properties: { id: { type: "integer" } }, required: ["id"],
    additionalProperties: false,
  }),
  execute: async () => "the register says 42",
});
const steps = await generateText({
  model, prompt: "CALL the tool", tools: { lookup }, stopWhen: stepCountIs(3), maxRetries: 0,
});
said.steps = steps.steps.length;
said.afterTool = steps.text;

const schema = jsonSchema({
  type: "object", properties: { n: { type: "integer" } }, required: ["n"],
  additionalProperties: false,
});
said.object = (await generateObject({
  model, schema, prompt: "JSON please", maxRetries: 0,
})).object;
const look = [{ role: "user", content: [
  { type: "text", text: "Which colour is it?" },
  { type: "image", image: Buffer.from(image.split(",")[1], "base64") },
] }];
said.seen = [];
for (const one of [model, openai.chat("fusion")]) {
  said.seen.push((await generateText({ model: one, messages: look, maxRetries: 0 })).text);
}
const read = [{ role: "user", content: [
  { type: "text", text: "What does it say?" },
  { type: "file", data: Buffer.from(file.split(",")[1], "base64"), mediaType: "application/pdf", filename: "report.pdf" },
] }];
said.read = [];
for (const one of [model, openai.chat("fusion")]) {
  said.read.push((await generateText({ model: one, messages: read, maxRetries: 0 })).text);
}
console.log(JSON.stringify(said));
