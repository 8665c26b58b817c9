import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import t, { type Test } from 'tap'
import { type Stack, startStack } from '../helper/stack.js'
import { lifeSteps } from './life-steps.js'
import { lives, python, saveDocument, serviceOf, sources, succeeds, tool } from './tools.js'

// Clients of openapi-generator, from the document that a running portal serves: they compile, and a program that uses them runs
// through the life of an account. Each has a separate portal, on which the service is not signed up yet.
t.setTimeout(600_000)

/** Runs the generator with a language's usual options; the client has no tests, because they would not be run. */
async function generate(t: Test, stack: Stack, language: string, options: string[]): Promise<string> {
  const folder = t.testdir({})
  const input = await saveDocument(stack, folder)
  const client = join(folder, language)
  const args = ['-jar', tool('generator'), 'generate', '-i', input, '-g', language, '-o', client]
  const rest = ['--global-property', 'apiTests=false,modelTests=false', ...options]
  await succeeds(t, 'the generator takes the document', 'java', [...args, ...rest])
  return client
}

async function freshStack(t: Test): Promise<Stack> {
  const stack = await startStack()
  t.teardown(() => stack.close())
  await stack.portal()
  return stack
}

t.test('Python', async (t) => {
  const stack = await freshStack(t)
  const client = await generate(t, stack, 'python', ['--additional-properties=packageName=maas'])
  const site = join(client, 'site')
  const install = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--no-build-isolation', '--target', site, client]
  await succeeds(t, 'the package installs', python('python'), install)
  const env = { ...serviceOf(stack), PYTHONPATH: site, PYTHONWARNINGS: 'error' }
  await lives(t, lifeSteps, python('python'), [join(sources, 'python', 'life.py')], { env })
})

t.test('Go', async (t) => {
  const stack = await freshStack(t)
  const module = ['--git-user-id', 'example', '--git-repo-id', 'maas', '--additional-properties=packageName=maas']
  const client = await generate(t, stack, 'go', module)
  mkdirSync(join(client, 'life'))
  cpSync(join(sources, 'go', 'life.go'), join(client, 'life', 'life.go'))
  await succeeds(t, 'the module and the program compile', 'go', ['build', './...'], { cwd: client })
  await succeeds(t, 'go vet finds nothing', 'go', ['vet', './...'], { cwd: client })
  await succeeds(t, 'the program is built', 'go', ['build', '-o', 'program', './life'], { cwd: client })
  await lives(t, lifeSteps, join(client, 'program'), [], { env: serviceOf(stack) })
})

t.test('Java', async (t) => {
  const stack = await freshStack(t)
  const packages = 'invokerPackage=com.example.maas,apiPackage=com.example.maas.api,modelPackage=com.example.maas.model'
  const options = ['--library', 'native', `--additional-properties=useSingleRequestParameter=true,${packages}`]
  const client = await generate(t, stack, 'java', options)
  const goals = ['compile', 'dependency:build-classpath', '-DincludeScope=compile', '-Dmdep.outputFile=classpath']
  await succeeds(t, 'the client compiles', 'mvn', ['-B', '-q', ...goals], { cwd: client })
  const life = join(client, 'life')
  const classpath = [join(client, 'target', 'classes'), readFileSync(join(client, 'classpath'), 'utf8').trim(), life]
  const javac = ['-d', life, '-cp', classpath.join(delimiter), join(sources, 'java', 'Life.java')]
  await succeeds(t, 'the program compiles', 'javac', javac)
  await lives(t, lifeSteps, 'java', ['-cp', classpath.join(delimiter), 'Life'], { env: serviceOf(stack) })
})

t.test('Kotlin', async (t) => {
  const stack = await freshStack(t)
  const client = await generate(t, stack, 'kotlin', [])
  cpSync(join(sources, 'kotlin', 'pom.xml'), join(client, 'pom.xml'))
  await succeeds(t, 'the client compiles', 'mvn', ['-B', '-q', 'compile'], { cwd: client })
})
