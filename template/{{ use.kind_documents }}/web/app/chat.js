// The page to ask: a question, the answer with its sources, and whether it helped.
// Whatever a document or a model says arrives as text, never as markup.

const $ = (id) => document.getElementById(id);
const MODEL_NAMES = { extractive: "a sentence of the documents, no language model" };
let key = "";

function element(name, attributes = {}, ...inside) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (attribute === "class") made.className = value;
    else if (attribute.startsWith("on")) made.addEventListener(attribute.slice(2), value);
    else made.setAttribute(attribute, value);
  }
  made.append(...inside);
  return made;
}

async function sent(path, body, accept) {
  const headers = { "Content-Type": "application/json", Accept: accept };
  if (key) headers["X-API-Key"] = key;
  const options = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
  const reply = await fetch(path, options);
  if (reply.status === 401) {
    $("key-part").hidden = false;
    throw new Error("This server wants a key.");
  }
  if (!reply.ok) {
    const problem = await reply.json().catch(() => ({}));
    throw new Error(problem.detail || `The server answered ${reply.status}.`);
  }
  return reply;
}

const call = async (path, body) => (await sent(path, body, "application/json")).json();

// Server-sent events of a question: `hear` gets the places that were found; the whole answer is returned.
async function answered(question, hear) {
  const reply = await sent("v1/ask", { question }, "text/event-stream");
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let answer = {};
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error("The connection ended before the answer was complete.");
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/s.exec(block) || [];
      if (!name) continue; // a sign of life
      const content = JSON.parse(data);
      if (name === "error") throw new Error(content.detail);
      if (name === "search") hear(content);
      else answer = { ...answer, ...content };
      if (name === "done") return answer;
    }
  }
}

// Lines that a document wraps flow again; paragraphs, lists and tables stay.
const flowing = (text) => text.replace(/([^\n])\n(?=[^\n\s\-*|#\d])/g, "$1 ");

function source(citation) {
  const place = citation.heading === citation.title ? citation.title : `${citation.title}, ${citation.heading}`;
  const quote = element("blockquote", {}, flowing(citation.before), element("mark", {}, flowing(citation.quote)), flowing(citation.after));
  const parts = [element("summary", {}, `${place} (${citation.document})`), quote];
  if (/^https?:\/\//.test(citation.url || "")) {
    const link = element("a", { href: citation.url, rel: "noreferrer noopener", target: "_blank" }, "Open the document");
    parts.push(element("p", {}, link));
  }
  return element("li", {}, element("details", {}, ...parts));
}

function judged(id) {
  const said = element("span", { class: "hint", role: "status" });
  const buttons = [true, false].map((helpful) =>
    element(
      "button",
      {
        type: "button",
        class: "quiet",
        "aria-pressed": "false",
        onclick: async (event) => {
          const pressed = event.currentTarget;
          try {
            await call("v1/feedback", { id, helpful });
            for (const button of buttons) button.setAttribute("aria-pressed", String(button === pressed));
            for (const button of buttons) button.disabled = true;
            said.textContent = "Thank you.";
          } catch (error) {
            said.textContent = error.message;
          }
        },
      },
      helpful ? "It helped" : "It did not help",
    ),
  );
  return element("div", { class: "judge", role: "group", "aria-label": "Did it help?" }, ...buttons, said);
}

function given(answer) {
  const made = element("article", { class: "given card", "aria-label": "Answer" });
  if (answer.refused) made.append(element("p", { class: "answer refused" }, `No answer: ${answer.reason}.`));
  else made.append(element("p", { class: "answer" }, answer.answer));
  if (answer.citations.length) {
    made.append(element("ol", { class: "sources", "aria-label": "Sources" }, ...answer.citations.map(source)));
  }
  const by = MODEL_NAMES[answer.method] || `by the language model ${answer.method}`;
  const fallback = answer.fallback ? ` The language model did not help: ${answer.fallback_reason || "it failed"}.` : "";
  made.append(element("p", { class: "by" }, `Answered by version ${answer.index_version}: ${by}.${fallback}`));
  made.append(judged(answer.id));
  return made;
}

// What was found is said while the answer is made.
function found({ sources, asks }) {
  const titles = [...new Set(sources.map((place) => place.title))].slice(0, 3).join(", ");
  if (!titles) return "Nothing was found.";
  return asks ? `Found in ${titles}. ${asks} reads it …` : `Found in ${titles}.`;
}

async function ask(question) {
  const stage = element("p", { class: "hint" }, "Searching …");
  const asked = element("p", { class: "asked" }, question);
  $("fault").hidden = true;
  $("send").disabled = true;
  $("send").textContent = "Searching …";
  $("talk").append(asked, stage);
  try {
    const answer = await answered(question, (search) => (stage.textContent = found(search)));
    stage.replaceWith(given(answer));
    $("question").value = "";
    $("talk").lastElementChild.scrollIntoView({ block: "nearest" });
  } catch (error) {
    asked.remove();
    stage.remove();
    $("fault").textContent = error.message;
    $("fault").hidden = false;
  } finally {
    $("send").disabled = false;
    $("send").textContent = "Ask";
    $("question").focus();
  }
}

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  key = $("key").value || key;
  if (key && !$("lead").textContent) begin();
  const question = $("question").value.trim();
  if (question) ask(question);
  else $("question").focus();
});

$("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("ask").requestSubmit();
  }
});

async function begin() {
  try {
    const known = await call("v1/form");
    document.title = `Ask: ${known.project}`;
    $("title").textContent = `Ask ${known.project}`;
    const by = MODEL_NAMES[known.answers_by] || `answers by ${known.answers_by}`;
    $("lead").textContent = `${known.description}. ${known.documents} documents; ${by}.`.replace(/^\. /, "");
    $("question").maxLength = known.longest;
    for (const question of known.examples) {
      const offer = element("button", { type: "button", class: "quiet", onclick: () => ask(question) }, question);
      $("offers").append(element("li", {}, offer));
    }
    $("examples").hidden = !known.examples.length;
    const links = known.pages.map(([path, name]) => element("a", { href: path }, name));
    $("foot").replaceChildren(...links);
  } catch (error) {
    $("fault").textContent = error.message;
    $("fault").hidden = false;
  }
}

begin();
