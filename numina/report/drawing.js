"use strict";
// Prose, typeset mathematics, programs and outputs as elements, in the report and in the demo. All
// texts are data: they reach the page as text nodes, never as markup.
const drawing = (() => {
  const MATHML = "http://www.w3.org/1998/Math/MathML";
  const KINDS = { python: "program", output: "its output", asy: "drawing, as Asymptote source", block: "a block that is not run" };

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

  function formula([source, display, tree], inline) {
    if (!tree) return element("code", { className: "source", textContent: source });
    const made = mathNode(tree);
    made.setAttribute("alttext", source);
    if (!display || inline) return made;
    made.setAttribute("display", "block");
    return element("span", { className: "display", tabIndex: 0 }, made);
  }

  // Pieces of `numina.report.typeset`: text, and numbers of formulas. A line does not begin with the
  // punctuation that follows a formula.
  const nodes = (pieces, formulas, inline) =>
    pieces.map((piece) => (typeof piece === "string" ? piece.replace(/^(?=[.,;:?!)])/, "\u2060") : formula(formulas[piece], inline)));

  function segment([kind, content], formulas) {
    if (kind === "text") return element("p", { className: "prose" }, ...nodes(content, formulas, false));
    const text = content || "(nothing)";
    const block = element("pre", { className: kind, tabIndex: 0 }, element("code", { textContent: text }));
    const label = element("figcaption", { textContent: KINDS[kind] });
    if (kind !== "asy") return element("figure", { className: "block" }, label, block);
    return element("details", {}, element("summary", { textContent: KINDS.asy }), block);
  }

  return { element, nodes, segment };
})();
