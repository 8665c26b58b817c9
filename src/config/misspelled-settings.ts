import { closestMatch } from 'leven'
import { settingMessages } from './messages.js'

type Variables = Readonly<Record<string, string | undefined>>

/** Common variables of other programs that resemble a setting. */
const FOREIGN = ['HTTP_PROXY', 'ALL_PROXY']
/** Shorter names, such as HOST, resemble too many others. */
const MIN_LENGTH = 6

/** A warning for each variable that resembles a setting which is not set. `settings` includes the names with _FILE. */
export function findMisspelledSettings(env: Variables, settings: ReadonlySet<string>): string[] {
  const unset = [...settings].filter((name) => name.length >= MIN_LENGTH && !isSet(env, name))
  return Object.keys(env).flatMap((name) => {
    const upperCase = name.toUpperCase()
    if (settings.has(name) || !env[name] || name.length < MIN_LENGTH || FOREIGN.includes(upperCase)) return []
    const nearest = closestMatch(upperCase, unset, { maxDistance: name.length < 9 ? 1 : 2 })
    return nearest === undefined ? [] : [`${name}: ${settingMessages.misspelled(nearest)}`]
  })
}

function isSet(env: Variables, name: string): boolean {
  const other = name.endsWith('_FILE') ? name.slice(0, -'_FILE'.length) : `${name}_FILE`
  return Boolean(env[name] || env[other])
}
