import { check } from 'recheck'
import t from 'tap'
import { programs, walk } from './programs.js'

/** These patterns read short text from trusted sources: settings, and paths of mapping rules and specs, at most 255 characters each. */
const quadratic = new Set(['\\/+$', '(\\{[^}]*\\})', '\\{[^}]*\\}', '(\\{[^}]+\\})', '\\/v\\d+[^/]*$', '^-+|-+$'])

t.test('no pattern of the portal takes long, whatever its input', async (t) => {
  t.setTimeout(600_000)
  const patterns = new Map<string, { pattern: string; flags: string }>()
  for (const { tree } of programs)
    walk(tree, ({ regex }) => {
      if (regex) patterns.set(`/${regex.pattern}/${regex.flags}`, regex)
    })
  t.ok(patterns.size > 100)
  for (const { pattern, flags } of patterns.values()) {
    // A limit of time would make the result depend on the speed of the machine.
    const result = await check(pattern, flags.replace('v', 'u'), {
      timeout: null,
      attackTimeout: null,
      incubationTimeout: null,
    })
    const complexity = result.status === 'vulnerable' ? result.complexity.summary : result.status
    const isAllowed = quadratic.has(pattern) && complexity === '2nd degree polynomial'
    t.ok(result.status === 'safe' || isAllowed, `/${pattern}/${flags}: ${complexity}`)
  }
})
