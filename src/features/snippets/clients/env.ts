import { envValue, remark } from '../languages/escape.js'
import { gapLines } from '../languages/shell.js'
import type { Client } from '../scene.js'
import { settingsOf, useLines } from '../settings.js'

const untold = (listUrl: string) =>
  `The id of this model is not known to the portal: the first one that GET ${listUrl} lists is the one to send.`

export const env: Client = {
  client: 'env',
  group: 'Tools',
  label: '.env',
  language: 'ini',
  filename: () => '.env',
  note: ({ carrier, call }) =>
    carrier.kind === 'bearer' && call.query.length === 0
      ? 'OpenAI clients read these variables by themselves.'
      : 'OpenAI clients cannot make this call from variables alone; the first lines show how code does.',
  limits: { nearest: [] },
  readers: ['templates', 'bash', 'references', 'dotenv'],
  write(scene) {
    return [
      `# ${remark(scene.model.name)}`,
      // before the variables: Node.js takes a comment after a quoted value for a variable
      ...useLines(scene).map((line) => `# ${line}`),
      ...gapLines(scene),
      ...(scene.asks ? [`# ${remark(untold(scene.listUrl))}`] : []),
      ...settingsOf(scene).map(({ name, value }) => `${name}=${value === undefined ? '' : envValue(value)}`),
    ].join('\n')
  },
}
