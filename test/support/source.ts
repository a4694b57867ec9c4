import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const root = path.resolve(import.meta.dirname, '../..');

/** The files under a folder of the repository, as paths from its root; by default those in TypeScript. */
export function files(folder: string, names = /\.ts$/): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => names.test(file))
    .map((file) => path.posix.join(folder, file))
    .sort();
}

/** The text of a file of the repository. */
export function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

function parse(text: string): ts.SourceFile {
  return ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, true);
}

/** The modules that a file imports or re-exports, types included, as written: `'./stage.ts'`. */
export function importsOf(text: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      if (node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier))
        found.push(node.moduleSpecifier.text);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      if (ts.isStringLiteral(node.argument.literal)) found.push(node.argument.literal.text);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [target] = node.arguments;
      if (target && ts.isStringLiteral(target)) found.push(target.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(parse(text));
  return found;
}

/** The names that a file both declares and exports, without re-exports. */
export function exportsOf(text: string): string[] {
  return parse(text).statements.flatMap((statement) => {
    const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
    if (!modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
    if (ts.isVariableStatement(statement)) {
      return statement.declarationList.declarations.map(({ name }) => name.getText());
    }
    const { name } = statement as ts.DeclarationStatement;
    return name === undefined ? [] : [name.getText()];
  });
}

/** Methods that mutate their object. */
const WRITES = /^(push|pop|shift|unshift|splice|sort|reverse|fill|copyWithin|set|add|delete|clear|write\w*)$/;

/** The start of an expression for an empty or sized container, which will be filled later. */
const EMPTY =
  /^(\[\]$|new (Map|Set|WeakMap|WeakSet)(<.*>)?\(\)|new \w*Array(<.*>)?\((?!0\)|\[)|Buffer\.alloc\w*\((?!0\)))/;

/**
 * The names of a module's state: each `let` at its top level, each constant that its functions write into or that begins as
 * an empty container (unless its type is `readonly`), each static property of a class that can be assigned.
 */
export function stateOf(text: string): string[] {
  const file = parse(text);
  const state: string[] = [];
  const constants = new Set<string>();
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement)) {
      const isConstant = (statement.declarationList.flags & ts.NodeFlags.Const) !== 0;
      for (const { name, type, initializer } of statement.declarationList.declarations) {
        const isReadonly = /^readonly/i.test(type?.getText() ?? '');
        const begins = initializer && !ts.isBinaryExpression(initializer) ? initializer.getText() : '';
        if (!isConstant || (EMPTY.test(begins) && !isReadonly)) state.push(name.getText());
        else constants.add(name.getText());
      }
    } else if (ts.isClassDeclaration(statement)) {
      for (const member of statement.members) {
        if (!ts.isPropertyDeclaration(member)) continue;
        const kinds = ts.getModifiers(member)?.map(({ kind }) => kind) ?? [];
        const isFixed = kinds.includes(ts.SyntaxKind.ReadonlyKeyword);
        if (kinds.includes(ts.SyntaxKind.StaticKeyword) && !isFixed) {
          state.push(`${statement.name?.getText()}.${member.name.getText()}`);
        }
      }
    }
  }
  const written = (target: ts.Expression): void => {
    let at = target;
    while (
      ts.isPropertyAccessExpression(at) ||
      ts.isElementAccessExpression(at) ||
      ts.isNonNullExpression(at)
    ) {
      at = at.expression;
    }
    if (ts.isIdentifier(at) && constants.has(at.text) && !state.includes(at.text)) state.push(at.text);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind)) written(node.left);
    else if (ts.isDeleteExpression(node)) written(node.expression);
    else if (ts.isPostfixUnaryExpression(node)) written(node.operand);
    else if (ts.isPrefixUnaryExpression(node) && isStep(node.operator)) written(node.operand);
    else if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      if (WRITES.test(node.expression.name.text)) written(node.expression.expression);
    }
    ts.forEachChild(node, visit);
  };
  // Only inside functions: top-level code runs once, when the module is loaded.
  const inFunctions = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) visit(node);
    else ts.forEachChild(node, inFunctions);
  };
  inFunctions(file);
  return state;
}

function isAssignment(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

function isStep(kind: ts.SyntaxKind): boolean {
  return kind === ts.SyntaxKind.PlusPlusToken || kind === ts.SyntaxKind.MinusMinusToken;
}

/**
 * The cycles of a graph: each set of nodes that can all reach each other, sorted, and each node with an edge to itself.
 * Tarjan, "Depth-first search and linear graph algorithms", 1972.
 */
export function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const path: string[] = [];
  const visit = (node: string): void => {
    order.set(node, order.size);
    low.set(node, order.get(node)!);
    path.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) visit(next);
      if (path.includes(next)) low.set(node, Math.min(low.get(node)!, low.get(next)!));
    }
    if (low.get(node) !== order.get(node)) return;
    const circle = path.splice(path.indexOf(node)).sort();
    if (circle.length > 1 || graph.get(node)?.includes(node)) found.push(circle);
  };
  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return found;
}
