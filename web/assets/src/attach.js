// Images and files that go with a question: chosen, dropped or pasted, shown as chips that can be
// taken away again, and sent as the content parts of a chat message.
const MIB = 1 << 20;
const SNIFFED = 12;
const HEAD = 4 * 65536; // base64 of an image's first bytes: its size in pixels is in them

export function attachments(form) {
  const area = form.querySelector("[data-attach]");
  const list = area.querySelector("[data-attached]");
  const says = area.querySelector("[data-refused]");
  const question = form.elements.question;
  const most = Object.fromEntries(Object.entries(area.dataset).map(([name, value]) => [name, Number(value)]));
  let kept = [];
  let added = Promise.resolve();

  function add(files) {
    added = added.then(() => addNow(files)); // one after the other: each is checked against those before it
  }

  async function addNow(files) {
    const refused = [];
    for (const file of files) {
      try {
        const image = isImage(new Uint8Array(await file.slice(0, SNIFFED).arrayBuffer()));
        const why = refusal(file, image, kept, most);
        if (why) {
          refused.push(`${file.name}: ${why}`);
          continue;
        }
        const url = await read(file);
        kept = [...kept, { name: file.name, size: file.size, image, url }];
      } catch {
        refused.push(`${file.name}: it cannot be read; a folder cannot be attached`);
      }
    }
    show();
    says.textContent = refused.join("\n");
  }

  function show() {
    list.replaceChildren(...kept.map(chip));
    question.required = !kept.length;
    form.dispatchEvent(new Event("attached"));
  }

  function chip(one) {
    const item = document.createElement("li");
    item.className = "chip attachment";
    if (one.image) {
      const picture = document.createElement("img");
      [picture.src, picture.alt] = [one.url, ""];
      item.append(picture);
    }
    const away = document.createElement("button");
    [away.type, away.textContent, away.title] = ["button", "×", "Remove"];
    away.setAttribute("aria-label", `Remove ${one.name}`);
    away.addEventListener("click", () => {
      const at = kept.indexOf(one);
      kept = kept.filter((other) => other !== one);
      says.textContent = "";
      show();
      (list.querySelectorAll("button")[Math.min(at, kept.length - 1)] || choose).focus();
    });
    const name = document.createElement("span");
    name.textContent = `${one.name} (${inWords(one.size)})`;
    item.append(name, away);
    return item;
  }

  const choose = area.querySelector("input");
  choose.addEventListener("change", () => {
    const chosen = [...choose.files];
    choose.value = "";
    add(chosen);
  });
  form.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    add([...event.clipboardData.files]);
  });
  for (const name of ["dragenter", "dragover"]) {
    form.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      area.classList.add("over");
    });
  }
  form.addEventListener("dragleave", (event) => {
    if (!form.contains(event.relatedTarget)) area.classList.remove("over");
  });
  form.addEventListener("drop", (event) => {
    area.classList.remove("over");
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    add([...event.dataTransfer.files]);
  });

  return {
    // What a message says: text alone, or parts. An estimate needs an image's head and no file.
    content: (text, { whole }) => (kept.length ? parts(text, kept, whole) : text),
    get any() {
      return kept.length > 0;
    },
  };
}

function parts(text, kept, whole) {
  const images = kept.filter((one) => one.image).map((one) => {
    const url = whole ? one.url : one.url.slice(0, one.url.indexOf(",") + 1 + HEAD);
    return { type: "image_url", image_url: { url } };
  });
  const files = kept.filter((one) => !one.image).map((one) => ({
    type: "file",
    file: { filename: one.name, file_data: one.url },
  }));
  const said = text.trim() || !whole ? [{ type: "text", text }] : [];
  return [...said, ...images, ...(whole ? files : [])];
}

function refusal(file, image, kept, most) {
  const alike = kept.filter((one) => one.image === image).length;
  if (image && alike >= most.images) return `at most ${most.images} images are read`;
  if (!image && alike >= most.files) return `at most ${most.files} files are read`;
  if (image && file.size > most.imageBytes)
    return `it has ${inWords(file.size)}, and an image may have ${inWords(most.imageBytes)}; make it smaller`;
  const sum = file.size + kept.reduce((all, one) => all + one.size, 0);
  if (sum > most.bytes)
    return `${kept.length ? "with those before it there are" : "it has"} ${inWords(sum)}, and ${inWords(most.bytes)} can be sent at once`;
  return "";
}

function isImage(bytes) {
  const text = String.fromCharCode(...bytes);
  return (
    text.startsWith("\x89PNG") || text.startsWith("\xff\xd8\xff") || text.startsWith("GIF8") ||
    (text.startsWith("RIFF") && text.endsWith("WEBP"))
  );
}

function read(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.includes(",") ? reader.result : "data:,");
    reader.onerror = failed;
    reader.readAsDataURL(file);
  });
}

function inWords(size) {
  return size < MIB / 10 ? `${Math.max(1, Math.ceil(size / 1024))} KiB` : `${(Math.ceil((10 * size) / MIB) / 10).toFixed(1)} MiB`;
}
