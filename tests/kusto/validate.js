// Microsoft's KQL parser and binder, asked over standard input: one JSON object a line
// ({"query": "…", "tokens": true}), one JSON answer a line. Argument: the schema file, {table: {column: type}}.
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const vm = require('vm');

const library = path.join(__dirname, 'node_modules/@kusto/language-service-next');
for (const file of ['bridge.min.js', 'Kusto.Language.Bridge.min.js']) {
  vm.runInThisContext(fs.readFileSync(path.join(library, file), 'utf8'), { filename: file });
}
const { KustoCode, GlobalState, Functions, Aggregates, Symbols, Syntax } = Kusto.Language;
const array = Bridge.toArray;

function globals(schema) {
  // $ctor7 is the overload that reads a schema as text: "(column:type, …)".
  const tables = Object.entries(schema).map(([table, columns]) => new Symbols.TableSymbol.$ctor7(
    table, `(${Object.entries(columns).map(([name, type]) => `['${name}']:${type}`).join(', ')})`, null));
  return GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor1('db', tables, false));
}

const schema = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const plain = globals(schema);

function judge({ query, tokens, tables }) {
  const known = tables ? globals({ ...schema, ...tables }) : plain;
  const code = KustoCode.ParseAndAnalyze(query, known);
  const result = code.ResultType;
  const answer = {
    kind: code.Kind,
    diagnostics: array(code.GetDiagnostics()).map((d) => `${d.Code} at ${d.Start}: ${d.Message}`),
    columns: result && result.Columns
      ? array(result.Columns).map((column) => [column.Name, column.Type.Name]) : null,
    reads: [],
    literals: [],
  };
  code.Syntax.WalkNodes((node) => {
    const symbol = node.ReferencedSymbol;
    if (symbol instanceof Symbols.TableSymbol && known.IsDatabaseTable(symbol)) {
      answer.reads.push([symbol.Name, node.TextStart]);
    }
    if (tokens && node instanceof Syntax.LiteralExpression) answer.literals.push(node.LiteralValue);
  });
  if (tokens) {
    answer.tokens = array(code.GetLexicalTokens()).map((token) => [token.Kind, token.Text]);
  }
  return answer;
}

module.exports = { judge };
if (require.main === module) {
  readline.createInterface({ input: process.stdin }).on('line', (line) => {
    process.stdout.write(`${JSON.stringify(judge(JSON.parse(line)))}\n`);
  });
}
