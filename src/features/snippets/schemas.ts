import { type Static, Type } from 'typebox'

const SnippetGroup = Type.Union([
  Type.Literal('Shell'),
  Type.Literal('Python'),
  Type.Literal('JavaScript'),
  Type.Literal('Tools'),
])
const Verification = Type.Union([Type.Literal('run'), Type.Literal('parsed')], {
  description:
    'how the tests verify the code of this client: `run` with the real package, or `parsed` by its schema or documented rules',
})

/** In the order of `clients.ts`, which has a template for each. */
export const clientNames = [
  'curl',
  'powershell',
  'cmd',
  'python-openai',
  'python-requests',
  'langchain-python',
  'llamaindex',
  'jupyter',
  'js-openai',
  'js-fetch',
  'langchain-js',
  'env',
  'continue',
  'open-webui',
  'kubernetes-secret',
] as const
const languages = ['bash', 'powershell', 'dos', 'python', 'javascript', 'ini', 'json', 'yaml'] as const
export const ClientName = Type.Unsafe<string>({ type: 'string', enum: [...clientNames] })

export const Snippet = Type.Object(
  {
    client: ClientName,
    group: SnippetGroup,
    label: Type.String(),
    language: Type.Unsafe<(typeof languages)[number]>({
      type: 'string',
      enum: [...languages],
      description: 'for highlighting',
    }),
    code: Type.String({ description: 'reads the credential from the environment; empty if `alternative` is present' }),
    with_key: Type.Optional(
      Type.String({
        description: 'the code with the credential, in the same language, which runs as it is; only on request',
      }),
    ),
    note: Type.Optional(Type.String({ description: 'what to install, or what this client cannot do for this model' })),
    alternative: Type.Optional(
      Type.Unsafe<string>({
        ...ClientName,
        description: 'the client to use instead if this one does not support the call; `note` has the reason',
      }),
    ),
    verification: Verification,
    filename: Type.Optional(Type.String({ description: 'suggested file name' })),
  },
  {
    $id: 'Snippet',
    examples: [
      {
        client: 'curl',
        group: 'Shell',
        label: 'curl (bash)',
        language: 'bash',
        code: 'curl https://granite.gateway.example.com/v1/models -H "Authorization: Bearer $MAAS_API_KEY"',
        verification: 'run',
      },
    ],
  },
)
export type Snippet = Static<typeof Snippet>
