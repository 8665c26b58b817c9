// Writes test/client/schema.d.ts: the types of the REST API's document, as a client in TypeScript would generate them.
// openapi-typescript requires the JavaScript API of TypeScript 5 or 6, which TypeScript 7 lacks; @ts-morph/common includes one.
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { register } from 'node:module'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const source = join(root, 'openapi/maas-portal.json')
const target = join(root, 'test/client/schema.d.ts')

if (changedAt(source) > changedAt(target)) {
  const compiler = url(`import morph from '${import.meta.resolve('@ts-morph/common')}'; export default morph.ts`)
  const found = JSON.stringify({ url: compiler, shortCircuit: true })
  register(
    url(`export const resolve = (name, context, next) => name === 'typescript' ? ${found} : next(name, context)`),
  )
  const { default: openapiTS, astToString } = await import('openapi-typescript')
  mkdirSync(join(target, '..'), { recursive: true })
  writeFileSync(target, astToString(await openapiTS(JSON.parse(readFileSync(source, 'utf8')), { alphabetize: true })))
}

function url(code) {
  return `data:text/javascript,${encodeURIComponent(code)}`
}

function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
