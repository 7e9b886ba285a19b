import {
  anyCharacter,
  type CharacterSet,
  join,
  negate,
  setOf,
  shorthands,
  writtenAs,
} from "./character-set.ts";
import type { Expression } from "./expression.ts";
import type { Compiler } from "./schema.ts";

/** What of a pattern can't be kept. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

const misplacedAnchor = "may have ^ and $ at the beginning and the end only";
const quantifiers: Record<string, readonly [number, number]> = {
  "?": [0, 1],
  "*": [0, Number.POSITIVE_INFINITY],
  "+": [1, Number.POSITIVE_INFINITY],
};

/**
 * JSON strings that match a regular expression, without look-around and back references. Of characters outside ASCII
 * it takes those of the basic plane that no regular expression counts as white space.
 * @throws PatternError
 */
export function compilePattern(
  { expressions, json }: Pick<Compiler, "expressions" | "json">,
  source: string,
): Expression {
  const { either, empty, literal, repeat, sequence, canEnd } = expressions;
  const anything = repeat(json.character, 0);
  let at = 0;
  try {
    new RegExp(source);
  } catch (cause) {
    throw new PatternError("is no regular expression", { cause });
  }

  const peek = (text: string) => source.startsWith(text, at);
  function take(text: string): boolean {
    if (!peek(text)) return false;
    at += text.length;
    return true;
  }
  function next(): string {
    const character = String.fromCodePoint(source.codePointAt(at) ?? 0);
    at += character.length;
    return character;
  }

  function alternatives(isTop: boolean): Expression {
    const options = [alternative(isTop)];
    while (take("|")) options.push(alternative(isTop));
    return either(...options);
  }

  function alternative(isTop: boolean): Expression {
    const before = isTop && !take("^") ? anything : empty;
    const parts: Expression[] = [];
    while (at < source.length && !peek("|") && !peek(")") && !peek("$")) parts.push(quantified());
    const isAnchored = isTop && take("$");
    if (peek("$")) throw new PatternError(misplacedAnchor);
    return sequence(before, ...parts, isTop && !isAnchored ? anything : empty);
  }

  function quantified(): Expression {
    const item = atom();
    const [least, most] = quantifier();
    if (least === 1 && most === 1) return item;
    if (most === 1) return either(empty, item);
    if (canEnd(item)) throw new PatternError("repeats a part that may be empty");
    return repeat(item, least, most);
  }

  function quantifier(): readonly [number, number] {
    const braces = /^\{(\d+)(,?)(\d*)\}/.exec(source.slice(at, at + 20));
    const sign = source[at] ?? "";
    if (!braces && !Object.hasOwn(quantifiers, sign)) return [1, 1];
    at += braces?.[0].length ?? 1;
    take("?");
    if (!braces) return quantifiers[sign] ?? [1, 1];
    const [, least, comma, most] = braces;
    if (comma === "") return [Number(least), Number(least)];
    return [Number(least), most === "" ? Number.POSITIVE_INFINITY : Number(most)];
  }

  function atom(): Expression {
    if (take("(")) {
      const name = /^\?(?::|<[A-Za-z_]\w*>)/.exec(source.slice(at, at + 100))?.[0] ?? "";
      at += name.length;
      if (peek("?")) throw new PatternError("has look-around or flags, which are not supported");
      const inside = alternatives(false);
      take(")");
      return inside;
    }
    if (peek("^")) throw new PatternError(misplacedAnchor);
    return writtenAs(expressions, take("[") ? characterClass() : take(".") ? anyCharacter : member());
  }

  function characterClass(): CharacterSet {
    const isNegated = take("^");
    let set = range(1, 0);
    while (!take("]")) {
      const from = member();
      const isRange = peek("-") && source[at + 1] !== "]" && from.codes.size === 1;
      if (isRange) next();
      set = join(set, isRange ? between(from, member()) : from);
    }
    return isNegated ? negate(set) : set;
  }

  function between(from: CharacterSet, to: CharacterSet): CharacterSet {
    const [[first = 0], [last = 0]] = [from.codes.keys().toArray(), to.codes.keys().toArray()];
    if (to.codes.size !== 1) throw new PatternError("has a range without an end");
    return range(first, last);
  }

  /** One character, or an escape that stands for several. */
  function member(): CharacterSet {
    const character = next();
    if (character !== "\\") return one(character);
    const code = /^(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))/.exec(source.slice(at, at + 5));
    if (code) {
      at += code[0].length;
      return one(String.fromCharCode(Number.parseInt(code[1] ?? code[2] ?? "", 16)));
    }
    const escaped = next();
    const known = Object.hasOwn(shorthands, escaped) ? shorthands[escaped] : undefined;
    if (!known && /[A-Za-z0-9]/.test(escaped))
      throw new PatternError(`has \\${escaped}, which is not supported`);
    return known ?? one(escaped);
  }

  const inside = alternatives(true);
  if (at < source.length) throw new PatternError(misplacedAnchor);
  return sequence(literal('"'), inside, literal('"'));
}

function one(character: string): CharacterSet {
  const code = character.codePointAt(0) ?? 0;
  if (code > 0xffff) throw new PatternError("has characters beyond U+FFFF, which are not supported");
  return range(code, code);
}

function range(from: number, to: number): CharacterSet {
  const set = setOf([from, to]);
  if (!set) throw new PatternError("has a range of too many characters");
  return set;
}
