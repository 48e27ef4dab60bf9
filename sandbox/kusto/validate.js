// Microsoft's KQL parser and binder, asked over standard input: a JSON object a line, a JSON answer a line (ASCII).
// Questions: {"query", "tokens"?: true, "tables"?: {table: {column: type}}} or {"functions": true}.
// Argument: the file of the tables that are always there.
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const vm = require('vm');

const library = path.join(__dirname, 'node_modules/@kusto/language-service-next');
for (const file of ['bridge.min.js', 'Kusto.Language.Bridge.min.js']) {
  vm.runInThisContext(fs.readFileSync(path.join(library, file), 'utf8'), { filename: file });
}
const { Aggregates, Functions, GlobalState, KustoCode, Symbols, Syntax } = Kusto.Language;
const array = Bridge.toArray;

// Defender's own function, with the columns that its documentation lists. $ctor16 reads parameters and body as text.
function fileProfile() {
  const columns = Object.entries({
    GlobalPrevalence: 'int', GlobalFirstSeen: 'datetime', GlobalLastSeen: 'datetime', Signer: 'string', Issuer: 'string',
    SignerHash: 'string', IsCertificateValid: 'bool', IsRootSignerMicrosoft: 'bool', SignatureState: 'string',
    IsExecutable: 'bool', ThreatName: 'string', Publisher: 'string', SoftwareName: 'string', ProfileAvailability: 'string',
  }).map(([name, type]) => (type === 'string' ? `${name} = ''` : `${name} = ${type}(null)`));
  return new Symbols.FunctionSymbol.$ctor16(
    'FileProfile', "(T: (*), x: string = 'SHA1', y: long = 100)", `{ T | extend ${columns.join(', ')} }`, null);
}

// The other one: which devices have seen a device.
function seenBy() {
  return new Symbols.FunctionSymbol.$ctor16('SeenBy', '(T: (*))', '{ T | extend SeenBy = dynamic([]) }', null);
}

function globals(schema) {
  // $ctor7 is the overload that reads a schema as text: "(column:type, …)".
  const tables = Object.entries(schema).map(([table, columns]) => new Symbols.TableSymbol.$ctor7(
    table, `(${Object.entries(columns).map(([name, type]) => `['${name}']:${type}`).join(', ')})`, null));
  return GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor1('db', [...tables, fileProfile(), seenBy()], false));
}

const schema = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const databases = new Map();

function database(tables) {
  const key = JSON.stringify(tables);
  if (!databases.has(key)) databases.set(key, globals({ ...schema, ...tables }));
  return databases.get(key);
}

function judge({ query, tokens, tables }) {
  const known = database(tables ?? {});
  const code = KustoCode.ParseAndAnalyze(query, known);
  const result = code.ResultType;
  const reads = [];
  const literals = [];
  const profiles = [];
  code.Syntax.WalkNodes((node) => {
    // Defender lets the file's column be named there, which KQL's own functions do not.
    if (node instanceof Syntax.FunctionCallExpression && node.Name.SimpleName === 'FileProfile') profiles.push(node);
    const symbol = node.ReferencedSymbol;
    if (symbol instanceof Symbols.TableSymbol && known.IsDatabaseTable(symbol)) {
      reads.push([symbol.Name, node.TextStart]);
    }
    if (tokens && node instanceof Syntax.LiteralExpression) literals.push(node.LiteralValue);
  });
  return {
    kind: code.Kind,
    diagnostics: array(code.GetDiagnostics()).filter((d) => !profiles.some((call) => d.Code === 'KS142'
      && call.ArgumentList.TextStart <= d.Start && d.Start < call.ArgumentList.End)).map((d) => `${d.Code} at ${d.Start}: ${d.Message}`),
    columns: result && result.Columns ? array(result.Columns).map((c) => [c.Name, c.Type.Name]) : null,
    reads,
    literals,
    tokens: tokens ? array(code.GetLexicalTokens()).map((token) => [token.Kind, token.Text]) : [],
  };
}

function functions() {
  return [...array(Functions.All), ...array(Aggregates.All)].map((f) => f.Name);
}

readline.createInterface({ input: process.stdin, crlfDelay: Infinity }).on('line', (line) => {
  const question = JSON.parse(line);
  const answer = JSON.stringify(question.functions ? functions() : judge(question));
  process.stdout.write(`${answer.replace(/[^\0-~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`);
});
