"use strict";
// The browser of traces. All texts are data: they reach the page as text nodes, never as markup.
(() => {
  const MATHML = "http://www.w3.org/1998/Math/MathML";
  const PAGE = 60;
  const data = JSON.parse(document.getElementById("trace-data").textContent);
  const find = (id) => document.getElementById(id);
  const search = find("search"), list = find("list"), detail = find("detail"), more = find("more");
  const filters = ["split", "outcome", "system", "end"].map(find);
  let matching = [], drawn = 0, open = -1;

  function element(tag, properties, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  function mathNode(tree) {
    const made = document.createElementNS(MATHML, tree[0]);
    for (const part of tree.slice(1)) {
      if (typeof part === "string") made.append(part);
      else if (Array.isArray(part)) made.append(mathNode(part));
      else for (const [name, value] of Object.entries(part)) made.setAttribute(name, value);
    }
    return made;
  }

  function formula(number, inline) {
    const [source, display, tree] = data.formulas[number];
    if (!tree) return element("code", { className: "source", textContent: source });
    const made = mathNode(tree);
    made.setAttribute("alttext", source);
    if (!display || inline) return made;
    made.setAttribute("display", "block");
    return element("span", { className: "display", tabIndex: 0 }, made);
  }

  const nodes = (pieces, inline) =>
    pieces.map((piece) => (typeof piece === "string" ? piece : formula(piece, inline)));

  const KINDS = { python: "program", output: "its output", asy: "drawing, as Asymptote source", block: "a block that is not run" };

  function segment([kind, content]) {
    if (kind === "text") return element("p", { className: "prose" }, ...nodes(content, false));
    const text = content || "(nothing)";
    const block = element("pre", { className: kind, tabIndex: 0 }, element("code", { textContent: text }));
    const label = element("figcaption", { textContent: KINDS[kind] });
    if (kind !== "asy") return element("figure", { className: "block" }, label, block);
    return element("details", {}, element("summary", { textContent: KINDS.asy }), block);
  }

  const outcome = (right) => (right === null ? "undecided" : right ? "right" : "wrong");
  const MARKS = { right: "✓", wrong: "✗", undecided: "?" };
  const badge = (right) => element("span", { className: "badge " + outcome(right), textContent: outcome(right) });
  const said = (answer) => (answer === null ? "no answer" : answer);
  const seedOf = (trace) => (trace.vote !== null ? ` · seed ${trace.seed}, trace ${trace.index + 1}` : "");

  const sourceOf = (segments) =>
    segments
      .map(([kind, content]) =>
        kind === "text"
          ? content.map((piece) => (typeof piece === "string" ? piece : data.formulas[piece][0])).join("")
          : content)
      .join("\n");

  const haystacks = new Map();
  function haystack(number) {
    if (!haystacks.has(number)) {
      const trace = data.traces[number], problem = data.problems[trace.problem];
      const parts = [problem.id, problem.contest, problem.subject, said(trace.answer), problem.gold];
      haystacks.set(number, [...parts, sourceOf(problem.statement), sourceOf(trace.segments)].join("\n").toLowerCase());
    }
    return haystacks.get(number);
  }

  function matches(trace, number, words, [split, wanted, system, end]) {
    return (!split || data.problems[trace.problem].split === split)
      && (!wanted || outcome(trace.right) === wanted)
      && (!system || trace.system === system)
      && (!end || trace.end === end)
      && words.every((word) => haystack(number).includes(word));
  }

  function update() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = filters.map((filter) => filter.value);
    matching = [];
    data.traces.forEach((trace, number) => {
      if (matches(trace, number, words, chosen)) matching.push(number);
    });
    find("count").textContent = `${matching.length} of ${data.traces.length} traces`;
    list.replaceChildren();
    drawn = 0;
    drawMore();
  }

  function row(number) {
    const trace = data.traces[number], problem = data.problems[trace.problem];
    const first = problem.statement.find(([kind]) => kind === "text");
    const state = outcome(trace.right);
    const button = element("button", { type: "button", onclick: () => { show(number); detail.focus(); } },
      element("span", { className: "mark " + state, textContent: MARKS[state], title: state }),
      element("span", { className: "what" },
        element("span", { className: "line", textContent: `${problem.id} · ${data.short[trace.system]}${seedOf(trace)}` }),
        element("span", { className: "statement" }, ...nodes(first ? first[1] : [], true)),
        element("span", { className: "line", textContent: `answer ${said(trace.answer)}, gold ${problem.gold} · ${trace.end}` })));
    button.dataset.number = number;
    button.setAttribute("aria-current", String(number === open));
    return element("li", {}, button);
  }

  function drawMore() {
    list.append(...matching.slice(drawn, drawn + PAGE).map(row));
    drawn = Math.min(matching.length, drawn + PAGE);
    more.hidden = drawn >= matching.length;
    more.textContent = `Show more (${matching.length - drawn} left)`;
  }

  function term(name, ...content) {
    return [element("dt", { textContent: name }), element("dd", {}, ...content)];
  }

  function voteOf(trace) {
    if (trace.vote === null) return [];
    const vote = data.votes[trace.vote];
    const tally = vote.votes.map(([answer, weight]) => `${answer} (${+weight.toFixed(2)})`).join(", ") || "nobody had an answer";
    const rest = vote.more ? ` and ${vote.more} more` : "";
    return [
      ...term("Vote", `${tally}${rest} `, badge(vote.right)),
      ...term("Traces", `${vote.ran} of ${vote.n} ran to their end (${vote.stop})`),
    ];
  }

  function show(number) {
    open = number;
    const trace = data.traces[number], problem = data.problems[trace.problem];
    const [decode, execute, wait] = trace.seconds;
    const place = matching.indexOf(number);
    const step = (name, to) => element("button", {
      type: "button", textContent: name, disabled: to < 0 || to >= matching.length,
      onclick: () => show(matching[to]),
    });
    const about = [data.splits[problem.split], problem.contest, problem.subject.replaceAll("_", " "), problem.level ? `level ${problem.level}` : ""];
    detail.replaceChildren(
      element("div", { className: "steps" }, step("Previous", place < 0 ? -1 : place - 1), step("Next", place < 0 ? -1 : place + 1),
        element("a", { href: "#traces", textContent: "Back to the list" })),
      element("h3", {}, `${problem.id} `, badge(trace.right)),
      element("p", { className: "soft", textContent: about.filter(Boolean).join(" · ") }),
      element("div", { className: "problem" }, ...problem.statement.map(segment)),
      ...(problem.unsound ? [element("p", { className: "warning", textContent: `The gold is not to be trusted: ${problem.unsound}` })] : []),
      element("h4", { textContent: `${data.names[trace.system]}${seedOf(trace)}` }),
      ...trace.segments.map(segment),
      element("dl", { className: "facts" },
        ...term("Answer", said(trace.answer)), ...term("Gold", problem.gold),
        ...term("Ended", `${trace.end}: ${data.ends[trace.end] || ""}`),
        ...term("Programs", trace.programs.join(", ") || "none"),
        ...voteOf(trace),
        ...term("Cost", `${trace.tokens} tokens; ${decode} s decoding, ${execute} s running programs, ${wait} s waiting`)));
    detail.scrollTop = 0;
    for (const button of list.querySelectorAll("button")) {
      button.setAttribute("aria-current", String(Number(button.dataset.number) === number));
    }
  }

  function options(select, values, name = (value) => value) {
    for (const value of [...new Set(values)].sort()) select.append(element("option", { value, textContent: name(value) }));
  }

  options(find("split"), data.problems.map((problem) => problem.split), (split) => data.splits[split]);
  options(find("system"), data.traces.map((trace) => trace.system), (system) => data.names[system]);
  options(find("end"), data.traces.map((trace) => trace.end), (end) => end.replaceAll("_", " "));
  options(find("outcome"), data.traces.map((trace) => outcome(trace.right)));
  search.addEventListener("input", update);
  for (const filter of filters) filter.addEventListener("change", update);
  more.addEventListener("click", drawMore);
  find("browser").hidden = false;
  update();
  if (matching.length) {
    const inviting = (number) => data.traces[number].right && data.traces[number].programs.length && data.traces[number].vote !== null;
    show(matching.find(inviting) ?? matching[0]);
  }
})();
