// biome-ignore-all lint/suspicious/noTemplateCurlyInString: notations of other languages
// PowerShell and cmd code is parsed by its documented rules, and must send the same request as curl in bash.
import fc from 'fast-check'
import t from 'tap'
import { text as powershellText } from '../../../src/features/snippets/languages/powershell.js'
import { createSnippets } from '../../../src/features/snippets/snippets.js'
import { character } from '../../helper/character.js'
import { modelOf, pathsOf, ruleOf } from '../../helper/models.js'
import { argumentsOf, type CmdMode, readCmd } from '../../snippets/cmd.js'
import { type Sample, samples } from '../../snippets/fuzz.js'
import { createPowerShell } from '../../snippets/powershell.js'
import { type ModelRequest, requestOfCurl, requestOfPowerShell } from '../../snippets/requests.js'
import { each, inNewShell } from '../../snippets/runners.js'

const snippets = createSnippets()
const folder = t.testdir({ shell: {} })
const powershell = await createPowerShell()
const answer = Buffer.from('{"data": [{"id": "asked"}], "id": "asked", "access_token": "tok"}')
const send = async () => answer
const modes: CmdMode[] = ['prompt', 'batch']
const names = { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' }

const codeOf = ({ model, credentials }: Pick<Sample, 'model' | 'credentials'>, client: string) => {
  const [snippet] = snippets.forModel(model, { credentials, only: client })
  if (!snippet) throw new Error(`no ${client}`)
  return snippet
}

async function ofBash(sample: Sample, index: number): Promise<ModelRequest[]> {
  const stub = `curl() { printf '%s\\0' "$@" "END OF CALL" >> words; printf '%s\\n' '${answer}'; }\n`
  const code = codeOf(sample, 'curl').with_key
  const ran = await inNewShell(`rm -f words; ${stub}${code} >/dev/null\ncat words`, `${folder}/shell/${index}`)
  return ran.out
    .split('END OF CALL\0')
    .slice(0, -1)
    .map((call) => requestOfCurl(call.split('\0').slice(0, -1)))
}

async function ofPowerShell(code: string, env: Record<string, string> = {}): Promise<ModelRequest[]> {
  const { sent, files } = await powershell.run(code, { env, send })
  return sent.map((one, index) => requestOfPowerShell(one, index === sent.length - 1 ? Object.keys(files) : []))
}

/** A form for a token is the same in both shells, except for its type, which curl adds itself. */
const plainForm = ({ headers: { 'content-type': type, ...headers }, ...request }: ModelRequest) =>
  type === undefined || type === 'application/x-www-form-urlencoded'
    ? { ...request, headers }
    : { ...request, headers: { ...headers, type } }

t.test('200 hostile samples: PowerShell sends the same calls as curl in bash', async (t) => {
  const all = samples(200)
  const required = await each([...all.entries()], 4, ([index, sample]) => ofBash(sample, index))
  for (const [index, sample] of all.entries()) {
    const { code, with_key = '', alternative } = codeOf(sample, 'powershell')
    const about = `${index} ${sample.model.type} ${sample.model.credentials.mode} ${sample.model.credentials.location}`
    t.equal(alternative, undefined, about)
    t.same((await ofPowerShell(with_key)).map(plainForm), required[index]?.map(plainForm), `${about} with the key`)
    t.same((await ofPowerShell(code, sample.env)).map(plainForm), required[index]?.map(plainForm), about)
  }
})

t.test('ids and names in cmd: curl receives the same words at the prompt and in a batch file', async (t) => {
  const keys = ['maas_0123', "it's", 'a&b|c<d>e^f', '(x) y', 'abc+def/ghi==', 'a;b,c=d', '\\\\server\\x y', '^']
  const all = samples(200).flatMap((sample, index): Sample[] => {
    const { mode } = sample.model.credentials
    if (mode === 'oidc' || sample.model.model_id === null) return []
    const [key = '', id = ''] = [keys[index % keys.length], keys[(index + 1) % keys.length]]
    const endpoint = `https://gateway.example.com:8443/${['a', 'a&b', "(x)'y", 'a^b', '~a;b,c'][index % 5]}`
    const model = {
      ...sample.model,
      endpoint,
      base_url: sample.model.base_url.endsWith('/v1') ? `${endpoint}/v1` : endpoint,
    }
    return mode === 'user_key'
      ? [{ model, credentials: { user_key: key }, env: { MAAS_API_KEY: key } }]
      : [{ model, credentials: { app_id: id, app_keys: [key] }, env: { MAAS_APP_ID: id, MAAS_APP_KEY: key } }]
  })
  const required = await each([...all.entries()], 4, ([index, sample]) => ofBash(sample, index))
  let written = 0
  for (const [index, sample] of all.entries()) {
    const { with_key = '', alternative, note } = codeOf(sample, 'cmd')
    if (alternative) {
      t.equal(sample.model.type, 'speech_to_text', `${index}: ${note}`)
      continue
    }
    written++
    for (const mode of modes) {
      const { calls, variables } = readCmd(with_key, mode, { PATH: 'C:\\Windows', OS: 'Windows_NT', b: 'B' })
      t.same(calls.map(requestOfCurl), required[index], `${index} ${mode}`)
      t.match(variables, sample.env)
    }
  }
  t.ok(written > 80, `${written} of ${all.length}`)
})

t.test('hostile keys and addresses: cmd contains the same words as bash, or the code is omitted', async (t) => {
  for (const [index, sample] of samples(100).entries()) {
    const { with_key = '', alternative, note } = codeOf(sample, 'cmd')
    if (!alternative) t.same(readCmd(with_key, 'batch').calls.map(requestOfCurl), await ofBash(sample, index))
    else t.match(note, /^cmd \(curl\) (cannot|takes) .*Use PowerShell instead\.$/)
  }
})

t.test('ids, prompts and names with all kinds of characters are supported in a body and in a form', async (t) => {
  const every = [
    ...Array.from({ length: 0x250 }, (_, point) => String.fromCodePoint(point)).slice(1),
    ...'‘’‚‛“”„–—―＇＂🦙モ\u2028\u202e',
  ]
  const signs = every.flatMap((_, index) => (index % 6 === 0 ? [every.slice(index, index + 6).join('')] : []))
  const texts = [
    ...signs,
    ...[
      '"',
      '""',
      '\\',
      '\\"',
      '\\\\',
      'a\\',
      '%',
      '%%',
      '%PATH%',
      '%1',
      '%~dp0',
      '!PATH!',
      '^',
      '^^',
      '&',
      '&&',
      '|',
      '<',
      '>',
    ],
    ...[
      '(',
      ')',
      "'",
      "''",
      "'@",
      "\n'@\n",
      '@"',
      '`',
      '$',
      '$x',
      '$(x)',
      '${x}',
      '@(x)',
      '@{x}',
      '#',
      ';',
      'nul',
      'В',
      '\\u0022',
    ],
    ...[
      '" & calc & "',
      "'; calc; '",
      '$(calc)',
      '`r`n',
      '\r\n',
      '%COMSPEC% /c calc',
      '’; calc; ‘',
      '\ufeff',
      'MODEL_ID',
      '"MODEL_ID"',
    ],
  ]
  for (const type of ['chat', 'speech_to_text'] as const)
    for (const id of texts) {
      const model = modelOf({ model_id: id, type, paths: pathsOf(type, '/v1'), name: id })
      const body =
        type === 'chat' ? { messages: [{ role: 'user', content: id }], [id]: [id, 1.5, null, true] } : undefined
      const options = { credentials: { user_key: 'key' }, ...(body ? { body } : {}) }
      const all = snippets.forModel(model, options)
      const find = (client: string) => all.find((each) => each.client === client)
      const [sent] = await ofPowerShell(find('powershell')?.with_key ?? '')
      const about = `${type} ${encodeURIComponent(id)}`
      if (type === 'chat') t.same(sent?.json, { model: id, ...body }, about)
      else t.same(sent?.form, { model: id, file: 'recording.wav' }, about)
      const cmd = find('cmd')
      if (type === 'speech_to_text' && cmd?.alternative) continue
      t.equal(cmd?.alternative, undefined, `${about}: JSON can escape every character`)
      for (const mode of modes) {
        const [call = []] = readCmd(cmd?.with_key ?? '', mode, { PATH: 'x', COMSPEC: 'cmd', 1: 'one' }).calls
        if (type === 'chat') t.same(requestOfCurl(call).json, { model: id, ...body }, about)
        else t.equal(requestOfCurl(call).form?.model, id, about)
      }
    }
})

t.test('2,000 random texts: each PowerShell literal is the original text in ASCII', async (t) => {
  const piece = fc.oneof(
    fc.constantFrom(...'\'"`$@(){}[]#;&|<>%!^\\ \t\n\r‘’‚‛“”', "'@", '@{', '$(', '${{', '{{', '\ud800', '\u{e0041}'),
    fc.string({ unit: character, minLength: 1, maxLength: 3 }),
  )
  const unusual = fc.sample(
    fc.array(piece, { maxLength: 6 }).map((parts) => parts.join('')),
    { numRuns: 2000, seed: 20 },
  )
  const code = unusual.map((each, index) => `$x${index} = ${powershellText(each)}`).join('\n')
  const { variables } = await powershell.run(code, { env: {}, send })
  t.same(
    unusual.map((_, index) => variables[`x${index}`]),
    unusual.map((each) => each.replace(/\p{Cs}/gu, '\ufffd')),
  )
})

t.test('a response is read as UTF-8, and a body with a looked-up id is sent as UTF-8', async (t) => {
  const requested = modelOf({ model_id: null })
  const listed = { data: [{ id: 'Grüße "模型"' }] }
  const { code } = codeOf({ model: requested, credentials: {} }, 'powershell')
  const { sent, out } = await powershell.run(code, {
    env: { MAAS_API_KEY: 'k' },
    send: async ({ url }) => Buffer.from(JSON.stringify(url.endsWith('/models') ? listed : { said: 'Grüße 模型' })),
  })
  t.match(JSON.parse(sent[1]?.body.toString('utf8') ?? ''), { model: 'Grüße "模型"' })
  t.equal(out, '{"said":"Grüße 模型"}\n')
})

t.test('code that cmd cannot express is reported, with PowerShell as the alternative', async (t) => {
  const of = (input: Parameters<typeof modelOf>[0], options: object = {}) =>
    snippets.forModel(modelOf(input), { only: 'cmd', ...options })[0]
  const key = (user_key: string) => of({}, { credentials: { user_key } })
  const token = { credentials: { mode: 'oidc', location: 'headers', names } } as const
  const long = { messages: [{ role: 'user', content: 'ü'.repeat(2000) }] }
  const cases: [RegExp, ReturnType<typeof of>][] = [
    [/cannot send a token that expires after minutes/, of(token)],
    [/cannot look up the model ID/, of({ model_id: null })],
    [
      /cannot contain the address of this model: the prompt and batch files interpret/,
      of({ endpoint: 'https://a.example/%41', base_url: 'https://a.example/%41/v1' }),
    ],
    [
      /cannot contain the name of a header/,
      of({ credentials: { mode: 'user_key', location: 'query', names: { ...names, user_key: 'my key' } } }),
    ],
    [
      /cannot contain the file name of the CA/,
      createSnippets({ caFile: 'größe.pem' }).forModel(modelOf({}), { only: 'cmd' })[0],
    ],
    [
      /cannot contain the ID of this model/,
      of({ model_id: 'a"b', type: 'speech_to_text', paths: pathsOf('speech_to_text', '/v1') }),
    ],
    [/accepts commands of up to 7,500 characters, and this command is longer/, of({}, { body: long })],
    ...['a"b', 'a%b', 'a!b', 'ü', 'a\\', '$x', '{{x}}'].map((each): [RegExp, ReturnType<typeof of>] => [
      /cannot contain this key/,
      key(each),
    ]),
  ]
  for (const [required, snippet] of cases) {
    t.match(snippet?.note, required)
    t.match(snippet, { alternative: 'powershell', code: '' }, `${required}`)
  }
  for (const harmless of ["it's", 'a&b|c<d>e^f', '(x)', 'a b', 'abc+def/ghi==', 'a;b,c=d'])
    t.equal(key(harmless)?.alternative, undefined, harmless)
  t.equal(of({ model_id: 'a"b%c' })?.alternative, undefined)
})

t.test(
  'code for Windows states what to install or replace: a private CA, placeholders, a stream, a recording',
  async (t) => {
    const own = createSnippets({ caFile: "our ca's.pem" }).forModel(modelOf({}))
    const find = (all: typeof own, client: string) => all.find((each) => each.client === client)
    t.match(find(own, 'powershell')?.code, /^# Once, .*certutil -user -addstore Root 'our ca''s.pem'$/m)
    t.match(readCmd(find(own, 'cmd')?.code ?? '', 'batch').calls[0], [
      '-sS',
      '--fail-with-body',
      /^https/,
      '--cacert',
      "our ca's.pem",
    ])
    const open = snippets.forModel(modelOf({ model_id: null, paths: [ruleOf('POST', '/v1/chat/completions')] }))
    t.match(find(open, 'powershell')?.code, /^# Replace MODEL_ID with the model ID/m)
    t.match(find(open, 'cmd')?.code, /^rem Replace MODEL_ID with the model ID/m)
    const streamed = snippets.forModel(modelOf({}), { body: { messages: [], stream: true } })
    t.match(find(streamed, 'powershell')?.note, /A stream is displayed when it is complete/)
    t.match(find(streamed, 'cmd')?.code, / -N /)
    const upload = snippets.forModel(modelOf({ type: 'speech_to_text', paths: pathsOf('speech_to_text', '/v1') }))
    t.match(find(upload, 'cmd')?.note, /Save your recording as recording\.wav first/)
  },
)

t.test('the parsers of these tests follow the documented rules of their shells', async (t) => {
  // Microsoft, "Parsing C command-line arguments"
  t.same(argumentsOf('"a b c" d e'), ['a b c', 'd', 'e'])
  t.same(argumentsOf('"ab\\"c" "\\\\" d'), ['ab"c', '\\', 'd'])
  t.same(argumentsOf('a\\\\\\b d"e f"g h'), ['a\\\\\\b', 'de fg', 'h'])
  t.same(argumentsOf('a\\\\\\"b c d'), ['a\\"b', 'c', 'd'])
  t.same(argumentsOf('a\\\\\\\\"b c" d e'), ['a\\\\b c', 'd', 'e'])
  t.same(argumentsOf('a"b"" c d'), ['ab" c d'])
  t.same(readCmd('curl.exe %A% "%A%" "%%A%%" ^&', 'batch', { A: 'x y' }).calls, [['x', 'y', 'x y', '%A%', '&']])
  t.same(readCmd('curl.exe "%B%" ^\n  b', 'prompt').calls, [['%B%', 'b']])
  t.same(readCmd('curl.exe "%B%" "%1a"', 'batch').calls, [['', 'a']])
  for (const text of ['curl.exe a & calc', 'curl.exe "a" | b', 'calc', 'curl.exe \u2019'])
    t.throws(() => readCmd(text, 'prompt'), text)
  const reading = (code: string) => powershell.run(code, { env: {}, send })
  for (const code of [
    '$x = "a',
    "$x = 'a' + $y",
    'Start-Process calc',
    '$x = [Diagnostics.Process]::Start("calc")',
    "$x = '’'",
    '$x = "$env:A"',
  ])
    await t.rejects(reading(code), code)
  t.match((await reading("$x = 'it''s' + [char]0x20AC")).variables, { x: 'it’s€'.replace('’', "'") })
})
