export const gatewayMessages = {
  notInCatalogue: 'This address is not in the catalogue.',
  timeout: 'The endpoint did not respond in time. The model may be starting or busy. Try again in a minute.',
  tooLarge: 'The response is too large to show. Use the code below instead.',
  forbidden:
    'The portal does not send requests to the address of this endpoint. Report this to the operator. The doctor states the reason.',
  unreachable: 'The endpoint could not be reached from the portal. Its gateway may be down. Try again in a minute.',
  badCertificate: (problem: string) =>
    `The endpoint could not be reached from the portal: ${problem}. Report this to the operator.`,
  notJson: 'The model returned a response that is not JSON.',
  jsonTooComplex: 'The model returned JSON that is nested too deeply or has too many values to be shown here.',
}
