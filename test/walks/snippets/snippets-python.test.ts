import t from 'tap'
import type { Application } from '../../../src/features/applications/schemas.js'
import { clients } from '../../../src/features/snippets/clients.js'
import { createSnippets } from '../../../src/features/snippets/snippets.js'
import { able, asking, codeOf, conversations, few, saidIn } from '../../snippets/cells.js'
import { answered, type Cell, expectOk, readCell, startMatrix } from '../../snippets/matrix.js'
import { each, environmentOf, type RanPython, startNotebooks, startPython } from '../../snippets/runners.js'
import { checkProofs, createTally } from '../../snippets/tally.js'

/** The tests are meant to run on two processors. */
const AT_ONCE = 2
/** Snippets for Python and notebooks, run with the real packages in the interpreters that scripts/python.mjs installs. */
const folder = t.testdir({})
const matrix = await startMatrix(folder)
const python = startPython(`${folder}/python`, 'current', AT_ONCE)
const llamaindex = startPython(`${folder}/llamaindex`, 'llamaindex')
const oldest = startPython(`${folder}/oldest`, 'oldest')
const notebooks = startNotebooks(`${folder}/notebooks`)
const tally = createTally()
t.teardown(async () => {
  for (const { stop } of [python, llamaindex, oldest, notebooks]) stop()
  await matrix.close()
})
const { cells, stack, api, token } = matrix
const unknown = asking(cells)

for (const [client, packages, server] of [
  ['python-requests', 'newest', python],
  ['python-openai', 'newest', python],
  ['python-openai', 'oldest', oldest],
  ['langchain-python', 'newest', python],
  ['llamaindex', 'newest', llamaindex],
] as const) {
  t.test(`${client}: every snippet runs with the ${packages} packages from the package index`, async (t) => {
    const texts = packages === 'newest' ? [...able(client, cells), ...able(client, unknown)] : able(client, cells)
    const ran = await each(texts, AT_ONCE, ({ snippet, env }) => server.run(snippet.code, env))
    for (const [index, { cell, snippet }] of texts.entries()) {
      const { ok, out, files } = ran[index] as RanPython
      t.match(out, answered[cell.type], `${cell.name}: ${snippet.code}`)
      t.ok(ok, cell.name)
      t.same(files, cell.type === 'text_to_speech' ? ['speech.wav'] : [], cell.name)
      if (packages === 'newest') tally.add('run', client)
    }
  })
}

t.test('Jupyter: every notebook passes nbformat, runs in a kernel, and has the code of openai', async (t) => {
  for (const { cell, snippet, env } of [...able('jupyter', cells), ...able('jupyter', few(unknown))]) {
    t.ok((await notebooks.check(snippet.code)).ok, cell.name)
    const [openai] = createSnippets().forModel(cell.model, { only: 'python-openai' })
    t.equal(codeCells(snippet.code).at(-1), openai?.code, cell.name)
    const { ok, out, files } = await notebooks.execute(snippet.code, env)
    t.match(out, answered[cell.type], `${cell.name}: ${snippet.code}`)
    t.ok(ok, cell.name)
    t.same(files, cell.type === 'text_to_speech' ? ['speech.wav'] : [], cell.name)
    tally.add('run', 'jupyter')
  }
})

t.test('Jupyter: a notebook with the key runs in a new kernel without environment variables', async (t) => {
  const one = /^(key-bearer|key-query|id-basic|token-bearer) chat$/
  const chats = able('jupyter', cells).filter(({ cell }) => one.test(cell.name))
  t.equal(chats.length, 4)
  for (const { cell, snippet } of chats) {
    const text = snippet.with_key ?? ''
    t.ok((await notebooks.check(text)).ok, cell.name)
    const { ok, out } = await notebooks.execute(text, {}, { fresh: true })
    t.match(out, answered.chat, `${cell.name}: ${text}`)
    t.ok(ok, cell.name)
  }
  const [{ snippet } = { snippet: undefined }] = chats
  const { ok, out } = await notebooks.execute(snippet?.code ?? '', {}, { fresh: true })
  t.notOk(ok, 'without the key the notebook prompts for it, which this kernel does not allow')
  t.match(out, 'StdinNotImplementedError')
})

function codeCells(notebook: string): string[] {
  const { cells } = JSON.parse(notebook) as { cells: { cell_type: string; source: string[] }[] }
  return cells.filter(({ cell_type }) => cell_type === 'code').map(({ source }) => source.join(''))
}

t.test('snippets that include the key run with an empty environment, one of each type', async (t) => {
  const of = (client: string, ways: RegExp) =>
    able(client, cells).filter(({ cell }) => cell.type === 'chat' && ways.test(cell.way))
  const some = [
    ...of('python-requests', /./),
    ...of('python-openai', /key-bearer|id-basic|token-bearer/),
    ...of('langchain-python', /key-bearer|id-basic/),
    ...of('llamaindex', /key-bearer|id-basic/),
  ]
  t.equal(some.length, 17)
  const ran = await each(some, 3, ({ snippet }) =>
    (snippet.client === 'llamaindex' ? llamaindex : python).run(snippet.with_key ?? '', {}),
  )
  for (const [index, { cell, snippet }] of some.entries())
    t.match(ran[index]?.out, answered.chat, `${cell.name}: ${snippet.with_key}`)
})

const runners = {
  'python-openai': python.run,
  'python-requests': python.run,
  'langchain-python': python.run,
  llamaindex: llamaindex.run,
  jupyter: notebooks.execute,
}

t.test('the code of a conversation runs in each client, with parameters and as a stream', async (t) => {
  const cell = cells.find(({ name }) => name === 'key-bearer chat') as Cell
  for (const body of conversations) {
    const credentials = cell.application.credentials
    const snippets = createSnippets().forModel(cell.model, { credentials, body })
    for (const [client, run] of Object.entries(runners)) {
      const code = codeOf({ snippets }, client)?.code ?? ''
      const { out } = await run(code, environmentOf(cell))
      t.match(saidIn(out), 'you said: Say "hi" to $HOME', `${client} ${code}`)
    }
  }
})

t.test('the code runs for a backend with /v1 and rules without it', async (t) => {
  const body = { model: 'deepseek-v1', name: 'for Python', fields: { purpose: 'Experiment' } }
  const { id } = await expectOk(api.post<Application>('/applications', token, body))
  await stack.settled()
  const cell = await readCell(api, token, 'deepseek-v1', id)
  for (const [client, run] of Object.entries(runners))
    t.match((await run(codeOf(cell, client)?.code ?? '', environmentOf(cell))).out, /I am deepseek-ai/, client)
})

t.test('a custom key with characters that encoding would change is sent unchanged', async (t) => {
  const cell = cells.find(({ name }) => name === 'key-query chat')
  await stack.put(`/_demo/applications/${cell?.application.id}`, { user_key: 'abc+def/ghi==' })
  const unusual = await readCell(api, token, cell?.model.system_name ?? '', cell?.application.id ?? 0)
  const { out } = await python.run(codeOf(unusual, 'python-requests')?.code ?? '', environmentOf(unusual))
  t.match(out, answered.chat)
})

t.test('each client for Python is run as stated in the committed file', async (t) => {
  const own = clients.filter(({ group }) => group === 'Python').map(({ client }) => client)
  checkProofs(t, tally, own)
})
