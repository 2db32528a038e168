// The official JavaScript client against a running server; prints what it got as JSON.
import OpenAI from "openai";

const [baseURL, image, file] = [process.argv[2], process.argv[4], process.argv[5]];
const fusion = JSON.parse(process.argv[3]);
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const messages = [{ role: "user", content: "What is it?" }];
const said = {};

const chat = await client.chat.completions.create({ model: "fusion", messages, fusion });
said.chat = chat.choices[0].message.content;
said.usage = chat.usage.total_tokens;
said.run = chat.fusion.run_id;

said.chatStream = "";
for await (const chunk of await client.chat.completions.create(
  { model: "openrouter/fusion", messages, fusion, stream: true })) {
  said.chatStream += chunk.choices[0]?.delta?.content ?? "";
}

const hosted = "openrouter/fusion";
const response = await client.responses.create({ model: hosted, input: "What is it?", fusion });
said.response = response.output_text;
said.items = response.output.map((item) => item.type);

said.events = [];
for await (const event of await client.responses.create(
  { model: hosted, input: "What is it?", fusion, stream: true })) {
  said.events.push(event.type);
}

const helper = client.responses.stream({ model: "fusion", input: "What is it?", fusion });
said.helper = (await helper.finalResponse()).output_text;

const look = [{ role: "user", content: [
  { type: "text", text: "Which colour is it?" }, { type: "image_url", image_url: { url: image } },
] }];
const lookAgain = [{ role: "user", content: [
  { type: "input_text", text: "Which colour is it?" },
  { type: "input_image", image_url: image, detail: "auto" },
] }];
said.seen = [
  (await client.chat.completions.create({ model: "fusion", messages: look, fusion })).choices[0].message.content,
  (await client.responses.create({ model: "fusion", input: lookAgain, fusion })).output_text,
];

const read = [{ role: "user", content: [
  { type: "text", text: "What does it say?" }, { type: "file", file: { filename: "report.pdf", file_data: file } },
] }];
const readAgain = [{ role: "user", content: [
  { type: "input_text", text: "What does it say?" }, { type: "input_file", filename: "report.pdf", file_data: file },
] }];
said.read = [
  (await client.chat.completions.create({ model: "fusion", messages: read, fusion })).choices[0].message.content,
  (await client.responses.create({ model: "fusion", input: readAgain, fusion })).output_text,
];

said.models = (await client.models.list()).data.map((model) => model.id);
said.plugin = (await client.chat.completions.create({
  model: fusion.synthesizer, messages, fusion: { tools: [], max_rounds: 0 },
  plugins: [{ id: "fusion", analysis_models: fusion.panel, model: fusion.judge }],
})).choices[0].message.content;

try {
  await client.chat.completions.create({ model: "fusion", messages, fusion: { nonsense: 1 } });
} catch (error) {
  said.error = { status: error.status, param: error.param, name: error.constructor.name };
}
console.log(JSON.stringify(said));
