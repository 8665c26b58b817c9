import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../../src/project-root.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor } from '../../helper/visitor.js'

/** An address of each page that is cached, by its template. */
const cachedPages: Record<string, string> = {
  'models/index': '/models?q=chat',
  'models/show': '/models/granite-chat',
  'api-docs/index': '/docs/api',
}

/** The same, for visitors only. */
const cachedVisitorPages: Record<string, string> = { 'home/visitor': '/' }

const stack = await startStack(['threescale', 'identity'])
await stack.portal({ CATALOG_ACCESS: 'public' })
t.teardown(() => stack.close())

const menu = /<details class="user-menu"[\s\S]*?<\/details>/

t.test('a cached page is the same for people who see the same models, except for the account menu', async (t) => {
  const names = { ada: 'Ada Lovelace', linus: 'Linus Torvalds', admin: 'Ann Admin' }
  const people = await Promise.all(
    Object.entries(names).map(async ([username, name]) => {
      const visitor = createVisitor(stack)
      await visitor.signIn(username)
      return { name, visitor }
    }),
  )
  for (const [template, path] of Object.entries(cachedPages)) {
    const texts = new Set<string>()
    const menus = new Set<string>()
    for (const { name, visitor } of [...people, ...people]) {
      const { text, status } = await visitor.get(path)
      t.equal(status, 200, path)
      t.match(menu.exec(text)?.[0], name)
      menus.add(menu.exec(text)?.[0] ?? '')
      texts.add(text.replace(menu, ''))
    }
    t.equal(texts.size, 1, template)
    t.equal(menus.size, people.length, template)
  }
})

t.test('a page that is cached for visitors is the same for all of them, and for nobody who is signed in', async (t) => {
  const person = createVisitor(stack)
  await person.signIn('ada')
  for (const [template, path] of Object.entries(cachedVisitorPages)) {
    const [one, own, other] = [
      await createVisitor(stack).get(path),
      await person.get(path),
      await createVisitor(stack).get(path),
    ]
    t.equal(one.status, 200, template)
    t.equal(one.text, other.text, template)
    t.notMatch(one.text, menu)
    t.match(own.text, menu)
    t.not(own.text.replace(menu, ''), one.text, template)
  }
})

t.test('each view that is cached is in the tests above', async (t) => {
  const folder = join(projectRoot, 'src', 'features')
  const cached = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split(/(?=\breply\.page\()/))
    .flatMap((call) => /^reply\.page\(\s*'([^']+)'(?:(?!reply\.)[\s\S]){0,300}?\bsource\b/.exec(call)?.[1] ?? [])
  t.same([...new Set(cached)].sort(), Object.keys({ ...cachedPages, ...cachedVisitorPages }).sort())
})
