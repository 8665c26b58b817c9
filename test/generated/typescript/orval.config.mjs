// Orval's addresses are relative unless it is told to take the server of the document.
export default {
  portal: {
    input: './openapi.json',
    output: {
      target: './generated/orval.ts',
      client: 'fetch',
      baseUrl: { getBaseUrlFromSpecification: true },
    },
  },
}
