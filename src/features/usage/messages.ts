export const apiErrors = {
  notAcceptable: 'This resource is available as application/json or text/csv.',
}

/** Sentences that several operations of the API document share. */
export const apiDescriptions = {
  complete:
    'The gateway reports numbers with a delay of a few seconds. If 3scale cannot return a number, the response is 503. Repeat the request in that case.',
  alsoCsv: '`Accept: text/csv` returns the same as the path ending in `.csv`.',
  estimate:
    'Calculated from the pricing rules of the plan in 3scale, or from prices set by the operator of the portal. 3scale issues the invoice.',
}
