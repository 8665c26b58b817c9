import { ts } from '@ts-morph/common'

/** Words that the glossary of WRITING_STYLE.md replaces, in identifiers, comments and text alike. */
const bannedWords = new Set(
  `wish wishes wished tell tells told telling untold needed wanted wants make makes made making maker makers letter letters
  standing arrival arrivals place places placed kept old young anew patience patient bell hurry gate gates alone beside besides
  hide hides hiding trial trials receipt receipts prove proves proved proven mend mends mended mending notes verb verbs door doors
  doorman outbound who whoever somebody nobody anybody everybody joins spoken`.split(/\s+/),
)

const bannedPhrases =
  /claim_elsewhere|let_?through|let through|refused_in_a_row|in a row|not_probed|not_asked|made_on|left_?alone|left alone|given_up|(?:give|gives|given|gave) up|attempt_reused|still_valid/gi

/** Banned words of a line; an identifier counts as the words it is made of. */
export function bannedIn(line: string): string[] {
  const words =
    line
      .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
      .replace(/[_-]/g, ' ')
      .toLowerCase()
      .match(/[a-z]+/g) ?? []
  return [...new Set([...words.filter((word) => bannedWords.has(word)), ...(line.match(bannedPhrases) ?? [])])]
}

/** Files whose text is for developers, log readers or generators, or is documentation of a schema. */
const documented = new Set([
  'description',
  'summary',
  'help',
  'examples',
  'example',
  '$id',
  'audit',
  'none',
  'response',
])
const labels = new Set([
  'title',
  'label',
  'heading',
  'lead',
  'button',
  'hint',
  'note',
  'caption',
  'placeholder',
  'text',
])

/** Text for users in a code file: literals that read as a sentence, and labels. Returns `line: text` for each. */
export function textIn(code: string): string[] {
  const file = ts.createSourceFile('file.ts', code, ts.ScriptTarget.Latest, true)
  const found: string[] = []
  visit(file)
  return found

  function visit(node: ts.Node): void {
    if (isExempt(node)) return
    const text = literalOf(node)
    if (text !== undefined && (isSentence(text) || (isLabel(node) && /^[A-Z][a-z]/.test(text)))) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart(file))
      found.push(`${line + 1}: ${text}`)
    }
    ts.forEachChild(node, visit)
  }
}

function literalOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text
  if (!ts.isTemplateExpression(node)) return undefined
  return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('…')
}

/** Four words or more of prose that start with a capital letter or a value. */
function isSentence(text: string): boolean {
  return (
    /^(?:[A-Z]|…)/.test(text) &&
    !/[{}<>=\\\n$|]|::|https?:/.test(text) &&
    /(?:[\w’'…,;:-]+ ){3}[\w’'…]+/.test(text) &&
    /(?:^|[ …])[a-z]{2,} [a-z]/.test(text)
  )
}

function isLabel(node: ts.Node): boolean {
  const parent = node.parent
  return ts.isPropertyAssignment(parent) && parent.initializer === node && labels.has(parent.name.getText())
}

function isExempt(node: ts.Node): boolean {
  if (ts.isPropertyAssignment(node)) return documented.has(node.name.getText().replaceAll(/['"]/g, ''))
  if (ts.isNewExpression(node)) return /Error$/.test(node.expression.getText())
  if (!ts.isCallExpression(node)) return false
  const called = node.expression.getText()
  if (called === 'super') return true
  if (/^(operation|describe)$/.test(called)) return true
  return /\blog(ger)?\??\.(trace|debug|info|warn|error|fatal)$/.test(called) || /^Type\./.test(called)
}

/** Exported type names of a file. */
export function exportedTypesIn(code: string): string[] {
  return [...code.matchAll(/^export (?:interface|type|class|enum) (\w+)/gm)].map(([, name = '']) => name)
}

/** Folders with more files than a reader can survey. */
export function fullFolders(paths: string[]): string[] {
  const counts = new Map<string, number>()
  for (const path of paths) {
    const folder = path.slice(0, path.lastIndexOf('/'))
    counts.set(folder, (counts.get(folder) ?? 0) + 1)
  }
  return [...counts].filter(([, count]) => count > 12).map(([folder]) => folder)
}

/** Literal values in a settings file that should come from `defaults`. */
export function defaultsIn(code: string): string[] {
  return [
    ...code.matchAll(/\b(?:fallback|default): (?:'[^']*'|[\d[{-][^\s,}]*|true|false)/g),
    ...code.matchAll(/\bread\.choice\(\s*'[A-Z_]+',\s*\[[^\]]*\],\s*'[^']*',?\s*\)/g),
  ].map(([text]) => text)
}

const counted =
  'calls|tokens|models|applications|keys|members|admins|requests|products|operations|vectors|texts|documents|seconds|minutes|hours|days|bytes'

/** Numbers with a plural noun that is wrong for one. After “of”, the plural is right, and a choice for one counts as handled. */
export function countsIn(code: string): string[] {
  const count = new RegExp(`(?<!\\bof )(?:\\$\\{[^{}]*\\}|<%= [^%]* %>) (?:${counted})\\b`, 'g')
  return code.split('\n').flatMap((line) => (/=== 1\b/.test(line) ? [] : (line.match(count) ?? [])))
}

const vague = 'anew|asked|given|gone|heard|held|kept|made|mended|met|nobody|odd|somebody|told|wanted|whole|wish'

/** Names that a test declares and that do not state what they hold: a participle alone, or a word that the glossary replaces. */
export function vagueNamesIn(code: string): string[] {
  const declared = new RegExp(`\\b(?:const|let|function) (${vague})\\b(?!\\})`, 'g')
  return [...code.matchAll(declared)].map(([, name = '']) => name)
}
