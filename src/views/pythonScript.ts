import type { SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@lezer/python';

/** A name that the script gives a meaning, and from where on. */
interface Definition {
  readonly name: string;
  /** The function, class or module in which it holds. */
  readonly scope: SyntaxNode;
  readonly from: number;
}

/** An argument of a call; `name` is null for a positional one. */
export interface Argument {
  readonly name: string | null;
  readonly value: SyntaxNode;
}

export interface Call {
  readonly node: SyntaxNode;
  /** As it is written, `pl.Trainer` for example. */
  readonly callee: string;
  readonly arguments: readonly Argument[];
}

const scopes = new Set(['FunctionDefinition', 'ClassDefinition', 'LambdaExpression', 'Script']);
const blocks = new Set(['Body', 'Script', 'StatementGroup']);
const path = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;

/** What can be read off a Python script without running it. Broken places do no harm to the rest: the parser goes on behind them. */
export class PythonScript {
  readonly tree: Tree;
  readonly calls: readonly Call[];
  readonly loops: readonly SyntaxNode[];
  readonly classes: readonly SyntaxNode[];
  readonly imports: readonly SyntaxNode[];
  readonly assignments: readonly SyntaxNode[];
  private readonly definitions: readonly Definition[];

  constructor(readonly text: string) {
    this.tree = parser.parse(text);
    const nodes: SyntaxNode[] = [];
    this.tree.iterate({ enter: ({ node }) => void nodes.push(node) });
    const named = (name: string): SyntaxNode[] => nodes.filter((node) => node.name === name);
    this.calls = named('CallExpression').map((node) => this.readCall(node));
    this.loops = named('ForStatement');
    this.classes = named('ClassDefinition');
    this.imports = named('ImportStatement');
    this.assignments = named('AssignStatement');
    this.definitions = nodes.flatMap((node) => this.definedBy(node));
  }

  textOf({ from, to }: { readonly from: number; readonly to: number }): string {
    return this.text.slice(from, to);
  }

  /** Where the line of an offset begins. */
  lineStart(offset: number): number {
    return this.text.lastIndexOf('\n', offset - 1) + 1;
  }

  /** Where the line after a node begins; the end of the text when there is none. Nodes of blocks reach over the blank lines behind them. */
  lineAfter({ from, to }: { readonly from: number; readonly to: number }): number {
    const end = from + this.textOf({ from, to }).trimEnd().length;
    const newline = this.text.indexOf('\n', end);
    return newline === -1 ? this.text.length : newline + 1;
  }

  /** Blanks and tabs before the first character of the line of an offset. */
  indentationAt(offset: number): string {
    return /^[ \t]*/.exec(this.text.slice(this.lineStart(offset)))?.[0] ?? '';
  }

  /** The statement of a block that a node belongs to, or the node itself. */
  statementOf(node: SyntaxNode): SyntaxNode {
    let statement = node;
    while (statement.parent !== null && !blocks.has(statement.parent.name)) statement = statement.parent;
    return statement.parent?.name === 'StatementGroup' ? statement.parent : statement;
  }

  /** `a.b.c` when a node is nothing else, so that writing it once more does nothing. */
  pathOf(node: SyntaxNode): string | null {
    const text = this.textOf(node);
    return path.test(text) ? text : null;
  }

  /** Whether a name, or the first part of a path, has a meaning where a node is: it is defined before it, or by the module around it. */
  isVisible(name: string, at: SyntaxNode): boolean {
    const [first] = name.split('.');
    const around = scopesOf(at);
    return this.definitions.some(({ name: defined, scope, from }) => {
      if (defined !== first) return false;
      const depth = around.findIndex((each) => isSame(each, scope));
      if (depth === -1 || (scope.name === 'ClassDefinition' && depth > 0)) return false;
      // A function runs after the module that defines it.
      return from < at.from || (scope.name === 'Script' && depth > 0);
    });
  }

  /** Names in the order in which they are defined that have a meaning where a node is. */
  visibleNames(at: SyntaxNode): string[] {
    return [...new Set(this.definitions.map(({ name }) => name))].filter((name) => this.isVisible(name, at));
  }

  private readCall(node: SyntaxNode): Call {
    const found: Argument[] = [];
    const list = node.getChild('ArgList');
    let name: string | null = null;
    let before: SyntaxNode | null = null;
    for (const child of list === null ? [] : childrenOf(list)) {
      if (child.name === 'AssignOp' && before !== null) name = this.textOf(before);
      else if (child.name === ',' || child.name === ')') {
        if (before !== null) found.push({ name, value: before });
        name = null;
        before = null;
        continue;
      }
      before = ['(', 'Comment', 'AssignOp'].includes(child.name) ? before : child;
    }
    return { node, callee: node.firstChild === null ? '' : this.textOf(node.firstChild).replace(/\s/g, ''), arguments: found };
  }

  private definedBy(node: SyntaxNode): Definition[] {
    const scope = scopesOf(node)[0] ?? node;
    const define = (name: SyntaxNode, within = scope): Definition => ({ name: this.textOf(name), scope: within, from: name.from });
    switch (node.name) {
      case 'FunctionDefinition':
      case 'ClassDefinition': {
        const name = node.getChild('VariableName');
        return name === null ? [] : [define(name, scopesOf(node.parent ?? node)[0] ?? node)];
      }
      case 'ParamList':
        return childrenOf(node).filter((child) => child.name === 'VariableName' && child.prevSibling?.name !== 'AssignOp').map((name) => define(name));
      case 'ImportStatement':
        return importedNames(node).map((name) => define(name));
      case 'AssignStatement':
        return namesBefore(node, 'AssignOp').map((name) => define(name));
      case 'ForStatement':
        return namesBefore(node, 'in').map((name) => define(name));
      case 'WithStatement':
        return childrenOf(node).filter(({ name, prevSibling }) => name === 'VariableName' && prevSibling?.name === 'as').map((name) => define(name));
      default:
        return [];
    }
  }
}

export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}

export function contains(outer: SyntaxNode, inner: { readonly from: number; readonly to: number }): boolean {
  return outer.from <= inner.from && inner.to <= outer.to;
}

/** The functions, classes and the module around a node, innermost first. A definition does not lie in what it defines. */
function scopesOf(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let each: SyntaxNode | null = node; each !== null; each = each.parent) if (scopes.has(each.name)) found.push(each);
  return found;
}

function isSame(a: SyntaxNode, b: SyntaxNode): boolean {
  return a.name === b.name && a.from === b.from && a.to === b.to;
}

/** Of `import a.b, c as d` a and d; of `from a import b, c as d` b and d. */
function importedNames(node: SyntaxNode): SyntaxNode[] {
  const children = childrenOf(node);
  const named = children[0]?.name === 'from' ? children.slice(children.findIndex(({ name }) => name === 'import')) : children;
  return named.filter(({ name, prevSibling, nextSibling }) => name === 'VariableName' && prevSibling?.name !== '.' && nextSibling?.name !== 'as');
}

/** Names on the left of an assignment or in a loop's head, those in brackets included. */
function namesBefore(node: SyntaxNode, end: string): SyntaxNode[] {
  const children = childrenOf(node);
  // Of `a = b = 1`, both.
  const last = children.map(({ name }) => name).lastIndexOf(end);
  return children.slice(0, Math.max(0, last)).flatMap((child) => {
    if (child.name === 'VariableName') return [child];
    return ['TupleExpression', 'ParenthesizedExpression', 'ArrayExpression'].includes(child.name) ? childrenOf(child).filter(({ name }) => name === 'VariableName') : [];
  });
}
