/**
 * A set of texts, as bytes of UTF-8. Equal expressions of one `Expressions` are the same object, so that what is found
 * out about one is remembered with it.
 */
export type Expression = Facts &
  (
    | { kind: "never" | "empty" }
    /** One byte in one of the ranges. */
    | { kind: "byte"; ranges: readonly (readonly [number, number])[] }
    /** These bytes, one character each. */
    | { kind: "literal"; bytes: string }
    | { kind: "sequence"; first: Expression; rest: Expression }
    | { kind: "either"; options: readonly Expression[] }
    | { kind: "repeat"; item: Expression; least: number; most: number }
    | { kind: "reference"; name: string }
  );

interface Facts {
  readonly id: number;
  /** What may follow each byte, as far as it is known. */
  after: (Expression | undefined)[] | undefined;
  leastBytes: number | undefined;
  canEnd: boolean | undefined;
}

// `Omit` of a union would lose what tells its members apart.
type Parts<Member = Expression> = Member extends Expression ? Omit<Member, keyof Facts> : never;

/** So many expressions for one step of a text mean a schema whose parts multiply. */
export class TooComplexError extends Error {
  override readonly name = "TooComplexError";
}

/**
 * Counts work that a schema makes: a unit is an expression looked at, well below a microsecond.
 * @throws TooComplexError when it was too much
 */
export type Spend = (units: number) => void;

const mostOptions = 5000;

/** Regular expressions with references, matched byte by byte by their derivatives (Brzozowski). */
export function createExpressions(mostExpressions: number, spend: Spend) {
  const known = new Map<string, Expression>();
  let lastId = 0;
  const definitions = new Map<string, Expression>();
  const referenceLeast = new Map<string, number>();

  function make(key: string, parts: Parts): Expression {
    const found = known.get(key);
    if (found) return found;
    if (known.size >= mostExpressions) throw new TooComplexError();
    // Its facts are found out when they are asked for. Spreading a union of parts loses which of them it is: hence the cast.
    const made = {
      ...parts,
      id: ++lastId,
      after: undefined,
      leastBytes: undefined,
      canEnd: undefined,
    } as Expression;
    known.set(key, made);
    return made;
  }

  const never = make("never", { kind: "never" });
  const empty = make("empty", { kind: "empty" });

  const byte = (...ranges: (readonly [number, number])[]) =>
    make(`b${ranges.join(";")}`, { kind: "byte", ranges });

  const literalBytes = (bytes: string) =>
    bytes === "" ? empty : make(`l${bytes}`, { kind: "literal", bytes });
  const literal = (text: string) => literalBytes(Buffer.from(text, "utf8").toString("latin1"));

  function sequence(...items: Expression[]): Expression {
    return items.reduceRight((rest, first) => join(first, rest), empty);
  }
  function join(first: Expression, rest: Expression): Expression {
    if (first === never || rest === never) return never;
    if (first === empty) return rest;
    if (rest === empty) return first;
    if (first.kind === "sequence") return join(first.first, join(first.rest, rest));
    return make(`s${first.id},${rest.id}`, { kind: "sequence", first, rest });
  }

  function either(...items: Expression[]): Expression {
    const options = new Set(items.flatMap((item) => (item.kind === "either" ? item.options : item)));
    spend(options.size);
    options.delete(never);
    if (options.size > mostOptions) throw new TooComplexError();
    const [only = never] = options;
    if (options.size <= 1) return only;
    const sorted = [...options].sort((a, b) => a.id - b.id);
    return make(`e${sorted.map(({ id }) => id).join(",")}`, { kind: "either", options: sorted });
  }

  /** The item must not be empty. */
  function repeat(item: Expression, least: number, most = Number.POSITIVE_INFINITY): Expression {
    if (most <= 0 || item === never) return least > 0 ? never : empty;
    return make(`r${item.id},${least},${most}`, { kind: "repeat", item, least, most });
  }

  /** Stands for what is defined under the name, which must not begin with a reference to itself. */
  const reference = (name: string) => make(`d${name}`, { kind: "reference", name });
  function resolve(name: string): Expression {
    const definition = definitions.get(name);
    if (!definition) throw new Error(`Nothing is defined as ${name}.`);
    return definition;
  }

  function canEnd(expression: Expression): boolean {
    expression.canEnd ??= findEnd(expression);
    return expression.canEnd;
  }
  function findEnd(expression: Expression): boolean {
    switch (expression.kind) {
      case "empty":
        return true;
      case "sequence":
        return canEnd(expression.first) && canEnd(expression.rest);
      case "either":
        return expression.options.some(canEnd);
      case "repeat":
        return expression.least <= 0;
      case "reference":
        return canEnd(resolve(expression.name));
      default:
        return false;
    }
  }

  /** What may follow a byte; `never` when the byte may not come. */
  function afterByte(expression: Expression, next: number): Expression {
    // An array without holes is read in a nanosecond or two, and this is asked for every token of the vocabulary.
    expression.after ??= new Array<Expression | undefined>(256).fill(undefined);
    const remembered = expression.after[next];
    if (remembered) return remembered;
    spend(1);
    const derived = derive(expression, next);
    const possible = leastBytes(derived) === Number.POSITIVE_INFINITY ? never : derived;
    expression.after[next] = possible;
    return possible;
  }

  function derive(expression: Expression, next: number): Expression {
    switch (expression.kind) {
      case "byte":
        return expression.ranges.some(([from, to]) => next >= from && next <= to) ? empty : never;
      case "literal":
        return expression.bytes.charCodeAt(0) === next ? literalBytes(expression.bytes.slice(1)) : never;
      case "sequence": {
        const inFirst = join(afterByte(expression.first, next), expression.rest);
        return canEnd(expression.first) ? either(inFirst, afterByte(expression.rest, next)) : inFirst;
      }
      case "either":
        return either(...expression.options.map((option) => afterByte(option, next)));
      case "repeat": {
        const { item, least, most } = expression;
        return join(afterByte(item, next), repeat(item, Math.max(0, least - 1), most - 1));
      }
      case "reference":
        return afterByte(resolve(expression.name), next);
      default:
        return never;
    }
  }

  /** Bytes of the shortest text, `Infinity` when there is none. */
  function leastBytes(expression: Expression): number {
    expression.leastBytes ??= countLeast(expression, leastBytes);
    return expression.leastBytes;
  }
  function countLeast(expression: Expression, of: (part: Expression) => number): number {
    switch (expression.kind) {
      case "never":
        return Number.POSITIVE_INFINITY;
      case "empty":
        return 0;
      case "byte":
        return 1;
      case "literal":
        return expression.bytes.length;
      case "sequence":
        return of(expression.first) + of(expression.rest);
      case "either":
        return Math.min(...expression.options.map(of));
      case "repeat":
        return expression.least <= 0 ? 0 : expression.least * of(expression.item);
      case "reference":
        return referenceLeast.get(expression.name) ?? Number.POSITIVE_INFINITY;
    }
  }

  /** To be called once, when all references are defined and before anything else is asked. */
  function settle(): void {
    for (let changed = true; changed; ) {
      changed = false;
      const counted = new Map<Expression, number>();
      const count = (expression: Expression): number => {
        const found = counted.get(expression);
        if (found !== undefined) return found;
        spend(expression.kind === "either" ? expression.options.length : 1);
        const least = countLeast(expression, count);
        counted.set(expression, least);
        return least;
      };
      for (const [name, definition] of definitions) {
        const least = count(definition);
        if (least < (referenceLeast.get(name) ?? Number.POSITIVE_INFINITY)) {
          referenceLeast.set(name, least);
          changed = true;
        }
      }
    }
  }

  /** Forgets what was found out, and all expressions but those that these, or definitions, are made of. */
  function forget(...kept: Expression[]): void {
    const live = new Set<Expression>();
    const pending = [never, empty, ...kept, ...definitions.values()];
    for (let part = pending.pop(); part; part = pending.pop()) {
      if (live.has(part)) continue;
      live.add(part);
      part.after = undefined;
      if (part.kind === "sequence") pending.push(part.first, part.rest);
      else if (part.kind === "either") pending.push(...part.options);
      else if (part.kind === "repeat") pending.push(part.item);
    }
    spend(live.size);
    for (const [key, expression] of known) if (!live.has(expression)) known.delete(key);
  }

  /** The expression without the upper bound of the repetition that it begins with, and that bound. */
  function withoutBound(expression: Expression): { open: Expression; most: number } | undefined {
    const [head, rest] =
      expression.kind === "sequence" ? [expression.first, expression.rest] : [expression, empty];
    if (head.kind !== "repeat" || head.most === Number.POSITIVE_INFINITY) return undefined;
    return { open: join(repeat(head.item, head.least), rest), most: head.most };
  }

  return {
    spend,
    forget,
    withoutBound,
    never,
    empty,
    byte,
    literal,
    sequence,
    either,
    repeat,
    size: () => known.size,
    reference,
    isDefined: (name: string) => definitions.has(name),
    define: (name: string, expression: Expression) => void definitions.set(name, expression),
    settle,
    canEnd,
    afterByte,
    leastBytes,
  };
}

export type Expressions = ReturnType<typeof createExpressions>;
