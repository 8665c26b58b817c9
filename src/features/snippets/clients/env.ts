import { comment, envValue } from '../languages/escape.js'
import type { Client } from '../scene.js'
import { settingsOf, useLines } from '../settings.js'

const UNTOLD = 'The id of this model is not known to the portal: the first of GET /models is the one to send.'

export const env: Client = {
  client: 'env',
  group: 'Tools',
  label: '.env',
  language: 'ini',
  filename: () => '.env',
  note: ({ carrier }) =>
    carrier.kind === 'bearer'
      ? 'OpenAI clients read these variables by themselves.'
      : 'OpenAI clients cannot send this credential from variables alone; the first lines say how code does.',
  limits: { nearest: [] },
  write(scene) {
    return [
      `# ${comment(scene.model.name)}`,
      // before the variables: Node.js takes a comment after a quoted value for a variable
      ...useLines(scene).map((line) => `# ${line}`),
      ...(scene.asks ? [`# ${UNTOLD}`] : []),
      ...settingsOf(scene).map(({ name, value }) => `${name}=${value === undefined ? '' : envValue(value)}`),
    ].join('\n')
  },
}
