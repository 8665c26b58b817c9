import { createRequire } from 'node:module'
import tree from '@vscode/tree-sitter-wasm'

/**
 * Parses PowerShell with the grammar of VS Code and runs it as Windows PowerShell 5.1 is documented: literals, variables,
 * hashtables, the .NET methods and the cmdlets that the portal writes. Anything else is an error, so that nothing passes
 * unnoticed. The grammar and PowerShell differ in typographic quotes, so code must be ASCII.
 */
export interface Sent {
  method: string
  url: string
  headers: Record<string, string>
  body: Buffer
}
export type Send = (request: Sent) => Promise<Buffer>

export interface RanPowerShell {
  out: string
  sent: Sent[]
  /** The output of `-OutFile`, by name. */
  files: Record<string, Buffer>
  variables: Record<string, unknown>
}

const wasm = createRequire(import.meta.url).resolve('@vscode/tree-sitter-wasm/wasm/tree-sitter-powershell.wasm')

/** Static methods of a namespace or type; methods of its values are in `methodsOf`. */
const statics: Record<string, (...args: unknown[]) => unknown> = {
  'Convert::FromBase64String': (text) => bytes(Buffer.from(String(text), 'base64')),
  'Convert::ToBase64String': (input) => asBuffer(input).toString('base64'),
  'Guid::NewGuid': () => ({ guid: crypto.randomUUID() }),
}
const utf8 = { utf8: true }

export async function createPowerShell() {
  await tree.Parser.init()
  const parser = new tree.Parser()
  parser.setLanguage(await tree.Language.load(wasm))

  return {
    async run(code: string, { env, send }: { env: Record<string, string>; send: Send }): Promise<RanPowerShell> {
      if (/[^\n -~]/.test(code)) throw new Error('code is not ASCII')
      const root = parser.parse(code)?.rootNode
      if (!root || root.hasError) throw new Error(`PowerShell does not parse: ${code}`)
      const ran = createRun(env, send)
      await ran.all(root)
      return ran.result
    },
  }
}

type Node = NonNullable<ReturnType<InstanceType<typeof tree.Parser>['parse']>>['rootNode']

function createRun(env: Record<string, string>, send: Send) {
  const variables = new Map<string, unknown>(Object.entries(env).map(([name, value]) => [`env:${name}`, value]))
  const result: RanPowerShell = { out: '', sent: [], files: {}, variables: {} }
  return { all, result }

  async function all(root: Node): Promise<void> {
    for (const statement of named(root).flatMap((list) => (list.type === 'comment' ? [] : named(list)))) {
      if (statement.type === 'comment') continue
      const value = await evaluate(statement)
      if (value !== undefined) result.out += `${String(value)}\n`
    }
    result.variables = Object.fromEntries(variables)
  }

  async function evaluate(node: Node): Promise<unknown> {
    const kids = named(node)
    switch (node.type) {
      case 'assignment_expression':
        return assign(kids)
      case 'additive_expression':
      case 'additive_argument_expression':
        if (kids.length === 2) return add(await evaluate(at(kids, 0)), await evaluate(at(kids, 1)))
        break
      case 'verbatim_string_characters':
        return node.text.slice(1, -1).replaceAll("''", "'")
      case 'verbatim_here_string_characters':
        return node.text.slice(3, -3)
      case 'expandable_string_literal':
        if (node.text !== '"`r`n"') break
        return '\r\n'
      case 'variable':
        return read(node.text)
      case 'decimal_integer_literal':
      case 'hexadecimal_integer_literal':
        return Number(node.text)
      case 'generic_token':
        return node.text
      case 'cast_expression':
        return cast(at(kids, 0).text, await evaluate(at(kids, 1)))
      case 'parenthesized_expression':
        return evaluate(at(kids, 0))
      case 'hash_literal_expression':
        return hash(kids)
      case 'invokation_expression':
        return invoke(node, kids)
      case 'member_access':
        return member(node, kids)
      case 'element_access':
        return ((await evaluate(at(kids, 0))) as unknown[])[Number(await evaluate(at(kids, 1)))]
      case 'pipeline_chain':
        if (kids.length === 2) return command(at(kids, 1), await evaluate(at(kids, 0)))
        break
      case 'command':
        return command(node)
    }
    if (kids.length === 1 && node.childCount === 1) return evaluate(at(kids, 0))
    throw new Error(`${node.type} is unknown: ${node.text}`)
  }

  async function assign(kids: Node[]): Promise<undefined> {
    const [target, operator, value] = [at(kids, 0).text, at(kids, 1).text, await evaluate(at(kids, 2))]
    const [, type, name = ''] = /^(\[byte\[\]\])?\$(env:\w+|\w+)$/.exec(target) ?? []
    if (!name || !['=', '+='].includes(operator)) throw new Error(`${target} ${operator}`)
    const complete = operator === '+=' ? add(variables.get(key(name)), value) : value
    variables.set(key(name), type ? bytes(asBuffer(complete)) : complete)
  }

  function read(text: string): unknown {
    const name = key(text.slice(1))
    if (!variables.has(name)) throw new Error(`${text} has no value`)
    return variables.get(name)
  }

  async function hash(kids: Node[]): Promise<Record<string, unknown>> {
    const entries: [string, unknown][] = []
    for (const entry of kids.flatMap(named)) {
      const [name, value] = named(entry)
      const bare = name && /^\w+$/.test(name.text) ? name.text : undefined
      entries.push([bare ?? String(await evaluate(name as Node)), await evaluate(value as Node)])
    }
    const lower = entries.map(([name]) => name.toLowerCase())
    if (new Set(lower).size !== lower.length) throw new Error('a hashtable has a key twice')
    return Object.fromEntries(entries)
  }

  async function member(node: Node, kids: Node[]): Promise<unknown> {
    const name = at(kids, 1).text
    if (node.text === '[Text.Encoding]::UTF8') return utf8
    const of = (await evaluate(at(kids, 0))) as Record<string, unknown>
    if (!Object.hasOwn(of, name)) throw new Error(`no member ${name}`)
    return of[name]
  }

  async function invoke(node: Node, kids: Node[]): Promise<unknown> {
    const [owner, name, list] = [at(kids, 0), at(kids, 1).text, at(kids, 2)]
    const args: unknown[] = []
    for (const argument of named(list).flatMap((inner) =>
      inner.type === 'argument_expression_list' ? named(inner) : [inner],
    ))
      args.push(await evaluate(argument))
    if (owner.type === 'type_literal') {
      const found = statics[`${owner.text.slice(1, -1)}::${name}`]
      if (!found) throw new Error(`${node.text} is unknown`)
      return found(...args)
    }
    return method(await evaluate(owner), name, args)
  }

  /** A cmdlet; `piped` is the value before the `|`. */
  async function command(node: Node, piped?: unknown): Promise<unknown> {
    const kids = named(node)
    const elements = kids
      .slice(1)
      .flatMap(named)
      .filter(({ type }) => type !== 'command_argument_sep')
    const options: Record<string, unknown> = {}
    const loose: unknown[] = []
    let open: string | undefined
    for (const element of elements) {
      if (element.type === 'command_parameter') {
        open = element.text.slice(1)
        options[open] = true
      } else if (open !== undefined) {
        options[open] = await evaluate(element)
        open = undefined
      } else loose.push(await evaluate(element))
    }
    switch (at(kids, 0).text) {
      case 'ConvertFrom-Json':
        return JSON.parse(String(piped))
      case 'ConvertTo-Json':
        return JSON.stringify(loose[0])
      case 'New-Object':
        if (loose[0] !== 'byte[]') break
        return Array.from({ length: Number(loose[1]) }, () => 0)
      case 'Invoke-WebRequest':
        return request(options, loose)
    }
    throw new Error(`${node.text} is unknown`)
  }

  async function request(options: Record<string, unknown>, loose: unknown[]): Promise<unknown> {
    const { UseBasicParsing, Method = 'GET', Uri, Headers = {}, ContentType, Body, OutFile, ...rest } = options
    if (UseBasicParsing !== true || loose.length > 0 || Object.keys(rest).length > 0)
      throw new Error(Object.keys(rest).join())
    const input: Record<string, string> = { ...(Headers as Record<string, string>) }
    if (ContentType !== undefined) input['Content-Type'] = String(ContentType)
    // Version 5.1 sends text as ISO 8859-1.
    const body = typeof Body === 'string' ? Buffer.from(Body, 'latin1') : asBuffer(Body ?? [])
    const sent = { method: String(Method), url: String(Uri), headers: input, body }
    result.sent.push(sent)
    const answer = await send(sent)
    if (OutFile === undefined) return { RawContentStream: { stream: bytes(answer) } }
    result.files[String(OutFile)] = answer
    return undefined
  }
}

function method(of: unknown, name: string, args: unknown[]): unknown {
  if (of === utf8 && name === 'GetBytes') return bytes(Buffer.from(String(args[0]), 'utf8'))
  if (of === utf8 && name === 'GetString') return asBuffer(args[0]).toString('utf8')
  if (typeof of === 'string' && name === 'Replace') return of.replaceAll(String(args[0]), () => String(args[1]))
  const { guid, stream } = of as { guid?: string; stream?: number[] }
  if (guid && name === 'ToString' && args[0] === 'N') return guid.replaceAll('-', '')
  if (stream && name === 'ToArray') return stream
  throw new Error(`no method ${name}`)
}

/** `+` of PowerShell: the type of the left side decides. */
function add(left: unknown, right: unknown): unknown {
  if (Array.isArray(left)) return [...left, ...(right as unknown[])]
  if (typeof left === 'string') return left + String(right ?? '')
  throw new Error(`${typeof left} + ${typeof right}`)
}

function cast(type: string, value: unknown): unknown {
  if (type === '[char]' && typeof value === 'number') return String.fromCharCode(value)
  throw new Error(`${type} is unknown`)
}

function bytes(buffer: Buffer): number[] {
  return [...buffer]
}

function asBuffer(value: unknown): Buffer {
  if (!Array.isArray(value)) throw new Error(`${typeof value} is not bytes`)
  return Buffer.from(value as number[])
}

function key(name: string): string {
  return name.startsWith('env:') ? name : name.toLowerCase()
}

function named(node: Node): Node[] {
  return node.namedChildren.filter((child) => child !== null)
}

function at(nodes: Node[], index: number): Node {
  const node = nodes[index]
  if (!node) throw new Error(`no part ${index}`)
  return node
}
