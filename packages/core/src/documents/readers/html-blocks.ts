import type { DefaultTreeAdapterTypes } from "parse5";

type Node = DefaultTreeAdapterTypes.Node;
type Element = DefaultTreeAdapterTypes.Element;

const hidden = new Set(
  "script style noscript template svg math iframe object embed canvas audio video select button input textarea head".split(
    " ",
  ),
);
const navigation = new Set("nav footer aside form menu dialog".split(" "));
const paragraphs = new Set(
  "p div section article main header footer nav aside form blockquote pre ul ol dl table figure figcaption address details summary fieldset hr h1 h2 h3 h4 h5 h6 body".split(
    " ",
  ),
);
const lines = new Set("br li dt dd tr caption option".split(" "));

type Step = { enter: Node } | { append: string };

/** Walks the tree without recursion: HTML may nest as deep as it likes. */
export function renderHtml(document: Node, options: { withNavigation: boolean }): string {
  const output: string[] = [];
  const stack: Step[] = [{ enter: document }];
  let title: string | undefined;
  for (let step = stack.pop(); step; step = stack.pop()) {
    if ("append" in step) {
      output.push(step.append);
      continue;
    }
    const node = step.enter;
    if (node.nodeName === "#text" && "value" in node) output.push(collapse(node));
    if (!("childNodes" in node)) continue;
    if ("tagName" in node) {
      if (node.tagName === "head") title = readTitle(node);
      if (isSkipped(node, options.withNavigation)) continue;
      const [before, after] = marks(node);
      output.push(before);
      stack.push({ append: after });
    }
    for (const child of node.childNodes.toReversed()) stack.push({ enter: child });
  }
  const text = joinPieces(output);
  return title && !/^# /m.test(text) && text.trim() !== "" ? `# ${title}\n\n${text}` : text;
}

/** Puts the pieces together: one blank line at most between blocks, no white space around line ends. */
function joinPieces(pieces: string[]): string {
  return pieces
    .join("")
    .replace(/[ \t]+/g, " ")
    .replace(/ ?\n ?/g, "\n")
    .replaceAll("\u0001", " ")
    .replace(/ \| *$/gm, "");
}

function isSkipped(element: Element, withNavigation: boolean): boolean {
  if (hidden.has(element.tagName)) return true;
  const attribute = (name: string) => element.attrs.find((each) => each.name === name)?.value;
  if (attribute("hidden") !== undefined || attribute("aria-hidden") === "true") return true;
  return !withNavigation && (navigation.has(element.tagName) || attribute("role") === "navigation");
}

/** What stands before and after an element's text. */
function marks({ tagName }: Element): [string, string] {
  const level = /^h([1-6])$/.exec(tagName)?.[1];
  if (level) return [`\n\n${"#".repeat(Number(level))} `, "\n\n"];
  if (tagName === "li") return ["\n- ", ""];
  if (tagName === "td" || tagName === "th") return ["", " | "];
  if (lines.has(tagName)) return ["\n", ""];
  return paragraphs.has(tagName) ? ["\n\n", "\n\n"] : ["", ""];
}

/** White space is one space, but in `pre`, where U+0001 keeps it from being collapsed later. */
function collapse(node: DefaultTreeAdapterTypes.TextNode): string {
  const parent = node.parentNode;
  const preformatted = parent && "tagName" in parent && (parent.tagName === "pre" || isWithinPre(parent));
  const value = node.value.replaceAll("\u0001", "");
  return preformatted ? value.replaceAll(" ", "\u0001") : value.replace(/\s+/g, " ");
}

function isWithinPre(element: Element): boolean {
  const parent = element.parentNode;
  return element.tagName === "code" && parent !== null && "tagName" in parent && parent.tagName === "pre";
}

function readTitle(head: Element): string | undefined {
  const title = head.childNodes.find((node) => node.nodeName === "title");
  if (!title || !("childNodes" in title)) return undefined;
  const text = title.childNodes.map((node) => ("value" in node ? node.value : "")).join("");
  return text.replace(/\s+/g, " ").trim() || undefined;
}
