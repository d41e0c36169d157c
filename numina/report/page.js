// What the page's scripts share. All texts are data: they reach the page as text nodes, never as
// markup.
const page = (() => {
  const data = JSON.parse(document.getElementById("trace-data").textContent);
  const { element } = drawing;
  const find = (id) => document.getElementById(id);

  function options(select, values, name = (value) => value) {
    const order = (a, b) => String(a).localeCompare(String(b), "en", { numeric: true });
    for (const value of [...new Set(values)].sort(order)) {
      select.append(element("option", { value, textContent: name(value) }));
    }
  }

  const outcome = (right) => (right === null ? "undecided" : right ? "right" : "wrong");
  const MARKS = { right: "✓", wrong: "✗", undecided: "?" };
  const mark = (right) => element("span", { className: "mark " + outcome(right), textContent: MARKS[outcome(right)], title: outcome(right) });
  const said = (answer) => (answer === null ? "no answer" : answer);
  const wordsOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

  // An id that may be broken after its signs.
  const breakable = (id) => id.split(/(?<=[_/-])/).flatMap((part) => [part, element("wbr", {})]);

  // A trace's address: a fragment that names its problem, system, seed and index.
  const address = (...parts) => "#trace/" + parts.map(encodeURIComponent).join("/");

  return { data, find, element, options, outcome, mark, said, wordsOf, breakable, address };
})();
