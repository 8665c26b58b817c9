import { usageLines, variableSettings } from '../../environment-variables.js'
import { commentText, envValue } from '../../languages/escape.js'
import { instructionLines } from '../../languages/shell.js'
import { comments, remarks } from '../../messages.js'
import type { SnippetClient } from '../../snippet-context.js'

export const env: SnippetClient = {
  client: 'env',
  group: 'Tools',
  label: '.env',
  language: 'ini',
  filename: () => '.env',
  note: ({ transport, call }) =>
    transport.kind === 'bearer' && call.query.length === 0 ? remarks.env : remarks.envCode,
  limits: { alternatives: [] },
  interpreters: ['templates', 'bash', 'references', 'dotenv'],
  render(context) {
    return [
      `# ${commentText(context.model.name)}`,
      // Before the variables: Node.js reads a comment after a quoted value as a variable.
      ...usageLines(context).map((line) => `# ${line}`),
      ...instructionLines(context),
      ...(context.queriesModelId ? [`# ${commentText(comments.modelIdListed(context.listUrl))}`] : []),
      ...variableSettings(context).map(({ name, value }) => `${name}=${value === undefined ? '' : envValue(value)}`),
    ].join('\n')
  },
}
