/** Errors for 3scale, which lists them with its failed deliveries. */
export const webhookErrors = {
  tooLarge: (megabytes: number) => `The event exceeds the limit of ${megabytes} MB.`,
  unsupportedType: 'Events are application/xml, or a form with the field params[xml].',
  notAProduct: 'The body is empty, or a form with the field product_id, the ID of a product in 3scale.',
  notAnEvent: 'This is not an event of 3scale, or it names no account.',
}
