// LangChain.js with its defaults over both of OpenAI's APIs; prints what it got as JSON.
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";

const [baseURL, image, file] = process.argv.slice(2);
const lookup = tool(async () => "the register says 42", {
  name: "lookup", description: "Look up a number.", schema: z.object({ id: z.number() }),
});
const look = new HumanMessage({ content: [
  { type: "text", text: "Which colour is it?" }, { type: "image_url", image_url: { url: image } },
] });
const read = new HumanMessage({ content: [
  { type: "text", text: "What does it say?" },
  {
    type: "file", source_type: "base64", mime_type: "application/pdf",
    data: file.split(",")[1], metadata: { filename: "report.pdf" },
  },
] });
const found = {};
for (const useResponsesApi of [false, true]) {
  const model = new ChatOpenAI({ model: "fusion", apiKey: "none", useResponsesApi, configuration: { baseURL } });
  let streamed = "";
  for await (const piece of await model.stream("What is it?")) streamed += piece.text;
  const turns = [new HumanMessage("CALL the tool")];
  const calling = await model.bindTools([lookup]).invoke(turns);
  turns.push(calling, ...calling.tool_calls.map((call) =>
    new ToolMessage({ content: "the register says 42", tool_call_id: call.id })));
  found[useResponsesApi ? "responses" : "chat"] = [
    (await model.invoke("What is it?")).text, streamed, (await model.bindTools([lookup]).invoke(turns)).text,
    (await model.invoke([look])).text, (await model.invoke([read])).text,
  ];
}
console.log(JSON.stringify(found));
