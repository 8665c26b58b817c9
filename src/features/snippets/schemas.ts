import { type Static, Type } from 'typebox'

export const Snippet = Type.Object(
  {
    client: Type.String({ description: 'curl, python-openai, js-openai, env or jupyter' }),
    label: Type.String(),
    language: Type.String({ description: 'bash, python, javascript, ini or json: for highlighting' }),
    code: Type.String({ description: 'reads the credential from the environment' }),
    with_key: Type.Optional(
      Type.String({ description: 'sets the environment, then runs as it stands in a new shell; only on request' }),
    ),
    note: Type.Optional(Type.String({ description: 'what this client cannot do here, or needs installed' })),
    filename: Type.Optional(Type.String({ description: 'offered as a download under this name' })),
  },
  {
    $id: 'Snippet',
    examples: [
      {
        client: 'curl',
        label: 'curl',
        language: 'bash',
        code: 'curl https://granite.gateway.example.com/v1/models -H "Authorization: Bearer $MAAS_API_KEY"',
      },
    ],
  },
)
export type Snippet = Static<typeof Snippet>
