// Tables to take away, as CSV and JSON files that are made here from the page's own data.
(() => {
  const { data, find, element } = page;
  const TABLES = [
    ["results", "Accuracies by split and system", () => data.takeaway.results],
    ["maj_at_k", "Accuracies of votes by the number of traces", () => data.takeaway.maj_at_k],
    ["depth", "Accuracies of votes by the number of programs a trace may run", () => data.takeaway.depth],
    ["breakdown", "Accuracies by year, contest, level and subject", () => data.takeaway.breakdown],
    ["problems", "Every problem by system and seed", page.grid.rows],
    ["traces", "The traces that the filters above choose, with their texts", page.traces.rows, page.traces.count],
  ];

  function csv(rows) {
    const fields = [...new Set(rows.flatMap(Object.keys))];
    const field = (value) => {
      const text = value === null || value === undefined ? "" : String(value);
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    return [fields, ...rows.map((row) => fields.map((name) => row[name]))].map((line) => line.map(field).join(",") + "\n").join("");
  }

  const FORMS = {
    csv: ["text/csv;charset=utf-8", csv],
    json: ["application/json", (rows) => JSON.stringify(rows, null, 1) + "\n"],
  };

  function save(name, form, rows) {
    const [type, write] = FORMS[form];
    const href = URL.createObjectURL(new Blob([write(rows)], { type }));
    element("a", { href, download: `${name}.${form}` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60000);
  }

  function tableRow([name, about, rows, size = () => rows().length]) {
    const count = element("td", { textContent: size() });
    for (const event of ["input", "change"]) find("browser").addEventListener(event, () => { count.textContent = size(); });
    const button = (form) => element("button", {
      type: "button", textContent: form.toUpperCase(), ariaLabel: `${about}, as ${form.toUpperCase()}`,
      onclick: () => save(name, form, rows()),
    });
    return element("tr", {}, element("th", { scope: "row", textContent: about }), count, element("td", { className: "forms" }, button("csv"), " ", button("json")));
  }

  find("takeaway-table").tBodies[0].append(...TABLES.map(tableRow));
  find("takeaway-table").hidden = false;
})();
