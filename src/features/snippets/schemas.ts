import { type Static, Type } from 'typebox'

const Group = Type.Union([
  Type.Literal('Shell'),
  Type.Literal('Python'),
  Type.Literal('JavaScript'),
  Type.Literal('Tools'),
])
const Proof = Type.Union([Type.Literal('run'), Type.Literal('replayed'), Type.Literal('parsed')], {
  description: 'how the tests prove the code of this client',
})

export const Snippet = Type.Object(
  {
    client: Type.String({
      description:
        'curl, powershell, cmd, python-openai, python-requests, langchain-python, llamaindex, jupyter, js-openai, js-fetch, langchain-js, env, continue, open-webui or kubernetes-secret',
    }),
    group: Group,
    label: Type.String(),
    language: Type.String({
      description: 'bash, powershell, dos, python, javascript, ini, json or yaml: for highlighting',
    }),
    code: Type.String({ description: 'reads the credential from the environment; empty where `nearest` is there' }),
    with_key: Type.Optional(
      Type.String({ description: 'sets the environment, then runs as it stands in a new shell; only on request' }),
    ),
    note: Type.Optional(Type.String({ description: 'what this client cannot do here, or needs installed' })),
    nearest: Type.Optional(
      Type.String({ description: 'the client to take instead, where this one cannot make the call; `note` says why' }),
    ),
    proof: Proof,
    filename: Type.Optional(Type.String({ description: 'a name for the file' })),
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
        proof: 'run',
      },
    ],
  },
)
export type Snippet = Static<typeof Snippet>
