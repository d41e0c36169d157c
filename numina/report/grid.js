// The table of problems by system and seed.
page.grid = (() => {
  const { data, find, element, said } = page;
  const PAGE = 30;
  const { columns, rows, fields } = data.grid;
  const search = find("grid-search"), split = find("grid-split"), level = find("grid-level"), kind = find("grid-kind");
  const body = find("grid-table").tBodies[0], more = find("grid-more");
  let matching = [], drawn = 0;

  const levelOf = (row) => String(row[3] || "none");
  const cellOf = (cell) => Object.fromEntries(fields.map((field, place) => [field, cell[place]]));

  function kindOf(row) {
    const right = row[5].filter((cell) => cellOf(cell).right).length;
    return right === 0 ? "wrong" : right === columns.length ? "right" : "mixed";
  }

  function matches(row, words) {
    const haystack = [row[1], row[2], row[4], ...row[5].map((cell) => cellOf(cell).answer)].join("\n").toLowerCase();
    return (!split.value || row[0] === split.value)
      && (!level.value || levelOf(row) === level.value)
      && (!kind.value || kindOf(row) === kind.value)
      && words.every((word) => haystack.includes(word));
  }

  function tableCell(row, cell, [system, seed]) {
    const { answer, right, tokens, seconds, first } = cellOf(cell);
    const content = [
      element("span", { className: "what" }, page.mark(right), ` ${said(answer)}`),
      element("span", { className: "range", textContent: `${tokens} tok · ${seconds} s` }),
    ];
    const href = page.address(row[0], row[1], system, seed ?? 0, first);
    if (first === null || !page.traces.numbers.has(href)) return element("td", {}, ...content);
    return element("td", {}, element("a", { href }, ...content));
  }

  function tableRow(row) {
    const about = [data.splits[row[0]], row[3] ? `level ${row[3]}` : "", `gold ${row[4]}`];
    return element("tr", {},
      element("th", { scope: "row" }, ...page.breakable(row[1]), element("span", { className: "sub", textContent: about.filter(Boolean).join(" · ") })),
      ...row[5].map((cell, place) => tableCell(row, cell, columns[place])));
  }

  function drawMore() {
    body.append(...matching.slice(drawn, drawn + PAGE).map(tableRow));
    drawn = Math.min(matching.length, drawn + PAGE);
    more.hidden = drawn >= matching.length;
    more.textContent = `Show more (${matching.length - drawn} left)`;
  }

  function update() {
    const words = page.wordsOf(search.value);
    matching = rows.filter((row) => matches(row, words));
    find("grid-count").textContent = `${matching.length} of ${rows.length} problems`;
    body.replaceChildren();
    drawn = 0;
    drawMore();
  }

  // One row for each problem, system and seed.
  function longRows() {
    return rows.flatMap((row) => row[5].map((cell, place) => {
      const { answer, right, tokens, seconds, traces } = cellOf(cell);
      const [system, seed] = columns[place];
      return {
        split: row[0], problem: row[1], subject: row[2], level: row[3], gold: row[4], system, seed,
        answer, outcome: page.outcome(right), tokens, seconds, traces,
      };
    }));
  }

  const heads = columns.map(([system, seed]) => element("th", { scope: "col" }, data.short[system], element("span", { className: "sub", textContent: seed === null ? "greedy" : `seed ${seed}` })));
  find("grid-table").tHead.append(element("tr", {}, element("th", { scope: "col", textContent: "Problem" }), ...heads));
  page.options(split, rows.map((row) => row[0]), (name) => data.splits[name]);
  page.options(level, rows.map(levelOf));
  search.addEventListener("input", update);
  for (const select of [split, level, kind]) select.addEventListener("change", update);
  more.addEventListener("click", drawMore);
  find("grid").hidden = false;
  update();
  return { rows: longRows };
})();
