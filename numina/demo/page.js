// The demo's page: sends a problem, and draws what is told of it. The kinds of messages are in
// numina/demo/growth.py.
(() => {
  const { element, nodes, segment } = drawing;
  const find = (id) => document.getElementById(id);
  const problem = find("problem"), go = find("go"), stop = find("stop"), status = find("status");
  const LEFT = { cut: "not needed any more", writes: "writes", runs: "runs its program" };
  let source = null, id = "", n = 0, formulas = [], traces = new Map(), over = true, leaders = new Set();

  const inline = (pieces) => nodes(pieces, formulas, true);
  const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

  function say(text, warning = false) {
    status.textContent = text;
    status.className = warning ? "warning" : "soft";
  }

  function busy(now) {
    over = !now;
    go.disabled = now;
    stop.hidden = !now;
    stop.disabled = false;
  }

  async function post(path, content) {
    const reply = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) });
    const body = reply.headers.get("Content-Type").startsWith("application/json") ? await reply.json() : {};
    if (!reply.ok) throw new Error(body.error || `The demo refused it (${reply.status}).`);
    return body;
  }

  async function ask() {
    busy(true);
    stop.hidden = true;
    say("Sending …");
    try {
      ({ id } = await post("problems", { text: problem.value }));
    } catch (error) {
      busy(false);
      return say(error instanceof TypeError ? "The demo cannot be reached." : error.message, true);
    }
    history.replaceState(null, "", `#${id}`);
    follow();
  }

  // Read what is told of the problem, from its beginning.
  function follow() {
    clear();
    busy(true);
    source?.close();
    source = new EventSource(`problems/${encodeURIComponent(id)}/events`);
    const mine = source;
    source.onmessage = (event) => {
      if (mine !== source) return;
      const message = JSON.parse(event.data);
      formulas.push(...(message.formulas || []));
      tell[message.kind](message);
    };
    source.onopen = () => { if (status.className === "warning") say(""); };
    source.onerror = () => {
      if (mine !== source || over) return;
      if (source.readyState !== EventSource.CLOSED) return say("The connection is lost; trying again …", true);
      busy(false);
      say("This problem is no longer kept.", true);
    };
  }

  function finish() {
    source.close();
    busy(false);
    for (const trace of traces.values()) if (trace.state !== "ended") state(trace, "cut");
  }

  function clear() {
    formulas = [];
    traces = new Map();
    leaders = new Set();
    find("result").hidden = true;
    for (const part of ["statement", "value", "grounds", "votes", "chips", "traces"]) find(part).replaceChildren();
    find("outstanding").textContent = "";
  }

  const tell = {
    waiting({ ahead }) {
      say(ahead ? `In the queue: ${counted(ahead, "problem")} before yours.` : "In the queue: yours is the next.");
    },

    begin(message) {
      n = message.n;
      find("statement").replaceChildren(...message.statement.map((part) => segment(part, formulas)));
      find("value").className = "open";
      find("value").textContent = "…";
      find("result").hidden = false;
      say("Solving …");
    },

    start({ trace: number }) {
      const trace = { number, parts: [], state: "", said: [] };
      trace.label = element("span", { className: "state" });
      trace.body = element("div", { className: "body", tabIndex: 0 });
      const whole = element("button", { type: "button", textContent: "expand", ariaExpanded: "false" });
      trace.card = element("article", { className: "trace" },
        element("header", {}, element("h3", { textContent: `Trace ${number + 1}` }), trace.label, whole), trace.body);
      trace.chip = element("button", { type: "button", className: "chip" });
      whole.addEventListener("click", () => {
        const now = trace.card.classList.toggle("whole");
        whole.ariaExpanded = String(now);
        whole.textContent = now ? "shrink" : "expand";
      });
      trace.chip.addEventListener("click", () => trace.card.scrollIntoView({ block: "nearest", inline: "start" }));
      traces.set(number, trace);
      place(find("traces"), trace.card, number);
      place(find("chips"), trace.chip, number);
      state(trace, "writes");
    },

    grow({ trace: number, at, parts, doing }) {
      const trace = traces.get(number), { body } = trace;
      const low = body.scrollHeight - body.scrollTop - body.clientHeight < 40;
      while (body.children.length > at) body.lastChild.remove();
      body.append(...parts.map((part) => segment(part, formulas)));
      if (low) body.scrollTop = body.scrollHeight;
      state(trace, doing);
    },

    ended({ trace: number, answer, why, tokens }) {
      const trace = traces.get(number);
      trace.said = answer ? inline(answer) : ["no answer"];
      trace.label.title = [why, tokens === undefined ? "" : counted(tokens, "token")].filter(Boolean).join("; ");
      if (!answer) trace.body.append(element("p", { className: "soft", textContent: `No answer: ${why}.` }));
      state(trace, "ended", Boolean(answer));
    },

    votes({ rows, outstanding, needed }) {
      const most = rows.length ? rows[0].weight : 0;
      leaders = new Set(rows.filter((row) => row.weight === most).flatMap((row) => row.traces));
      const bars = rows.map(({ answer, weight, traces: given }, place) =>
        bar(inline(answer), weight, place === 1 ? outstanding : 0, weight === most ? "leads" : "", `from ${given.map((trace) => trace + 1).join(", ")}`));
      if (rows.length < 2) bars.push(bar([rows.length ? "any other answer" : "any answer"], 0, outstanding, "rest", ""));
      find("votes").replaceChildren(...bars);
      const rest = needed ? `; ${needed} more for the leader would settle it` : "";
      find("outstanding").textContent = outstanding ? `${counted(outstanding, "vote")} of ${n} outstanding (hatched: all for one answer)${rows.length ? rest : ""}.` : `All ${n} traces have ended.`;
      if (rows.length && !over) find("value").replaceChildren(...inline(rows[0].answer), element("span", { className: "so-far", textContent: " leads so far" }));
      for (const trace of traces.values()) mark(trace);
    },

    verdict({ answer, certificate, doubts, ran, seconds, tokens }) {
      const value = find("value");
      value.className = answer ? "" : "open none";
      value.replaceChildren(...(answer ? inline(answer) : ["No answer"]));
      find("grounds").replaceChildren(
        ...(certificate ? [element("p", { className: "certificate", textContent: certificate })] : []),
        ...doubts.map((doubt) => element("p", { className: "doubt", textContent: doubt })),
        element("p", { className: "cost soft", textContent: `${ran} of ${n} traces ended, ${counted(tokens, "token")}, ${seconds} s` }));
      finish();
      say("");
    },

    failed({ text }) {
      finish();
      say(text, true);
    },
  };

  function bar(name, weight, could, kind, title) {
    const full = element("i", {}), more = element("i", { className: "could" });
    full.style.width = `${(100 * weight) / n}%`;
    more.style.width = `${(100 * could) / n}%`;
    return element("div", { className: `vote ${kind}`, title },
      element("span", { className: "of" }, ...name),
      element("span", { className: "rail" }, full, more),
      element("span", { className: "sum", textContent: weight ? +weight.toPrecision(weight < 1 ? 2 : 6) : "" }));
  }

  // Put a child among its brothers, in the order of the traces.
  function place(parent, child, number) {
    child.dataset.number = number;
    parent.insertBefore(child, [...parent.children].find((other) => Number(other.dataset.number) > number) || null);
  }

  function state(trace, now, voted = false) {
    trace.state = now;
    for (const part of [trace.card, trace.chip]) part.dataset.state = now;
    const said = () => trace.said.map((node) => (typeof node === "string" ? node : node.cloneNode(true)));
    trace.label.replaceChildren(...(now === "ended" ? [voted ? element("b", {}, ...said()) : "no answer"] : [LEFT[now]]));
    trace.chip.replaceChildren(`${trace.number + 1}`, ...(now === "ended" ? [": ", ...said()] : []));
    mark(trace);
  }

  function mark(trace) {
    for (const part of [trace.card, trace.chip]) part.classList.toggle("leads", leaders.has(trace.number));
  }

  find("ask").addEventListener("submit", (event) => { event.preventDefault(); if (over) ask(); });
  problem.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); find("ask").requestSubmit(); }
  });
  stop.addEventListener("click", async () => {
    stop.disabled = true;
    say("Stopping …");
    try { await post(`problems/${encodeURIComponent(id)}/stop`, {}); } catch (error) { say(error.message, true); }
  });
  for (const example of document.querySelectorAll(".example")) {
    example.addEventListener("click", () => { problem.value = example.dataset.text; problem.focus(); });
  }
  if (location.hash.length > 1) {
    id = decodeURIComponent(location.hash.slice(1));
    follow();
  }
})();
