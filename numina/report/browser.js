// The browser of traces.
page.traces = (() => {
  const { data, find, element, outcome, mark, said } = page;
  const PAGE = 60;
  const search = find("search"), list = find("list"), detail = find("detail"), more = find("more");
  const chosenBy = {
    split: (trace) => problemOf(trace).split,
    outcome: (trace) => outcome(trace.right),
    system: (trace) => trace.system,
    seed: (trace) => seedOf(trace),
    level: (trace) => String(problemOf(trace).level || "none"),
    end: (trace) => trace.end,
  };
  const filters = Object.keys(chosenBy).map((id) => [find(id), chosenBy[id]]);
  let matching = [], drawn = 0, open = -1;

  const problemOf = (trace) => data.problems[trace.problem];
  const seedOf = (trace) => (trace.vote === null ? "greedy" : String(trace.seed));
  const sampleOf = (trace) => (trace.vote === null ? "" : ` · seed ${trace.seed}, trace ${trace.index + 1}`);

  function addressOf(trace) {
    const problem = problemOf(trace);
    return page.address(problem.split, problem.id, trace.system, trace.seed, trace.index);
  }
  const numbers = new Map(data.traces.map((trace, number) => [addressOf(trace), number]));

  const nodes = (pieces, inline) => drawing.nodes(pieces, data.formulas, inline);
  const segment = (part) => drawing.segment(part, data.formulas);
  const badge = (right) => element("span", { className: "badge " + outcome(right), textContent: outcome(right) });

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
      const trace = data.traces[number], problem = problemOf(trace);
      const parts = [problem.id, problem.contest, problem.subject, said(trace.answer), problem.gold];
      parts.push(`seed:${seedOf(trace)}`, `level:${problem.level}`);
      haystacks.set(number, [...parts, sourceOf(problem.statement), sourceOf(trace.segments)].join("\n").toLowerCase());
    }
    return haystacks.get(number);
  }

  function update() {
    const words = page.wordsOf(search.value);
    const chosen = filters.filter(([select]) => select.value);
    matching = [...data.traces.keys()].filter((number) =>
      chosen.every(([select, value]) => value(data.traces[number]) === select.value)
        && words.every((word) => haystack(number).includes(word)));
    find("count").textContent = `${matching.length} of ${data.traces.length} traces`;
    list.replaceChildren();
    drawn = 0;
    drawMore();
    setSteps();
  }

  function row(number) {
    const trace = data.traces[number], problem = problemOf(trace);
    const first = problem.statement.find(([kind]) => kind === "text");
    const level = problem.level ? `level ${problem.level} · ` : "";
    const link = element("a", { href: addressOf(trace) },
      mark(trace.right),
      element("span", { className: "what" },
        element("span", { className: "line", textContent: `${problem.id} · ${data.short[trace.system]}${sampleOf(trace)}` }),
        element("span", { className: "statement" }, ...nodes(first ? first[1] : [], true)),
        element("span", { className: "line", textContent: `${level}answer ${said(trace.answer)}, gold ${problem.gold} · ${trace.end.replaceAll("_", " ")}` })));
    link.dataset.number = number;
    return element("li", {}, link);
  }

  function drawMore() {
    list.append(...matching.slice(drawn, drawn + PAGE).map(row));
    drawn = Math.min(matching.length, drawn + PAGE);
    more.hidden = drawn >= matching.length;
    more.textContent = `Show more (${matching.length - drawn} left)`;
    markOpen();
  }

  function markOpen() {
    for (const link of list.querySelectorAll("a")) {
      if (Number(link.dataset.number) === open) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  function term(name, ...content) {
    return [element("dt", { textContent: name }), element("dd", {}, ...content)];
  }

  function voteOf(trace) {
    if (trace.vote === null) return [];
    const vote = data.votes[trace.vote];
    const tally = vote.votes.map(([answer, weight]) => `${answer}: ${+weight.toPrecision(weight < 1 ? 2 : 6)}`).join(", ") || "no trace had an answer";
    const rest = vote.more ? ` and ${vote.more} more answers` : "";
    return [
      ...term("Vote", `${tally}${rest} `, badge(vote.right)),
      ...(vote.tie ? term("Tie", `${vote.answer} won: ${data.ties[vote.tie]}`) : []),
      ...term("Traces", `${vote.ran} of ${vote.n} ran to their end (${vote.stop})`),
    ];
  }

  // Previous and next among the traces that the filters choose.
  function setSteps() {
    const place = matching.indexOf(open);
    for (const [id, to] of [["previous", place < 0 ? undefined : matching[place - 1]], ["next", place < 0 ? undefined : matching[place + 1]]]) {
      if (to === undefined) find(id).removeAttribute("href");
      else find(id).href = addressOf(data.traces[to]);
    }
  }

  function show(number) {
    open = number;
    const trace = data.traces[number], problem = problemOf(trace);
    const [decode, execute, wait] = trace.seconds;
    const about = [data.splits[problem.split], problem.contest, problem.subject.replaceAll("_", " "), problem.level ? `level ${problem.level}` : ""];
    find("trace").replaceChildren(
      element("h3", {}, ...page.breakable(problem.id), " ", badge(trace.right), " ", element("a", { className: "address", href: addressOf(trace), textContent: "address of this trace" })),
      element("p", { className: "soft", textContent: about.filter(Boolean).join(" · ") }),
      element("div", { className: "problem" }, ...problem.statement.map(segment)),
      ...(problem.unsound ? [element("p", { className: "warning", textContent: `The gold is not to be trusted: ${problem.unsound}` })] : []),
      element("h4", { textContent: `${data.names[trace.system]}${sampleOf(trace)}` }),
      ...trace.segments.map(segment),
      element("dl", { className: "facts" },
        ...term("Answer", said(trace.answer)), ...term("Gold", problem.gold),
        ...term("Ended", `${trace.end.replaceAll("_", " ")}: ${data.ends[trace.end] || "(no description)"}`),
        ...term("Programs", trace.programs.join(", ") || "none"),
        ...voteOf(trace),
        ...term("Cost", `${trace.tokens} tokens; ${decode} s decoding, ${execute} s running programs, ${wait} s waiting`)));
    detail.scrollTop = 0;
    markOpen();
    setSteps();
  }

  // Show the trace that the address names.
  function follow() {
    if (!location.hash.startsWith("#trace/")) return false;
    const number = numbers.get(location.hash);
    if (number === undefined) {
      open = -1;
      find("trace").replaceChildren(element("p", { className: "warning", textContent: "This page has no trace at this address." }));
      markOpen();
      setSteps();
    } else show(number);
    if (!document.activeElement.matches("#previous[href], #next[href]")) detail.focus({ preventScroll: true });
    const { top } = detail.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) detail.scrollIntoView();
    return true;
  }

  function rowsOf() {
    return matching.map((number) => {
      const trace = data.traces[number], problem = problemOf(trace);
      const [decode_s, execute_s, wait_s] = trace.seconds;
      return {
        split: problem.split, problem: problem.id, level: problem.level, subject: problem.subject, gold: problem.gold,
        system: trace.system, seed: trace.vote === null ? null : trace.seed, index: trace.index,
        answer: trace.answer, outcome: outcome(trace.right), end: trace.end, programs: trace.programs.join(" "),
        tokens: trace.tokens, decode_s, execute_s, wait_s,
        statement: sourceOf(problem.statement), text: sourceOf(trace.segments),
      };
    });
  }

  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    const item = step && event.target.closest("li")?.[step];
    if (!item) return;
    event.preventDefault();
    item.firstElementChild.focus();
  });

  for (const [select, value] of filters) page.options(select, data.traces.map(value), labelOf(select.id));
  function labelOf(id) {
    if (id === "split") return (split) => data.splits[split];
    if (id === "system") return (system) => data.names[system];
    return (value) => value.replaceAll("_", " ");
  }
  search.addEventListener("input", update);
  for (const [select] of filters) select.addEventListener("change", update);
  more.addEventListener("click", drawMore);
  window.addEventListener("hashchange", follow);
  find("browser").hidden = false;
  update();
  if (!follow() && matching.length) {
    const inviting = (number) => data.traces[number].right && data.traces[number].programs.length && data.traces[number].vote !== null;
    show(matching.find(inviting) ?? matching[0]);
  }
  return { rows: rowsOf, count: () => matching.length, numbers };
})();
