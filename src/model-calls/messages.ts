import type { Application } from '../features/applications/schemas.js'
import type { ParameterChange } from './rejected-parameters.js'

const tryInMinute = 'Try again in a minute.'
const contactOperator = 'If the error persists, contact the operator.'

export const noAccessToken = `No access token could be obtained for this application, so nothing was sent. The issuer may not know its client yet. ${tryInMinute}`

/** Rejections by the gateway itself. */
export const gatewayRejections = {
  limitsExceeded: 'The limit of your plan is exhausted.',
  authMissing: `The gateway found no credentials in the request. The settings of the product may have just changed. ${tryInMinute}`,
  noMatch: 'No mapping rule of the gateway matches this path. The operator must add one.',
  authFailed:
    'The gateway rejected the credentials. New keys can take a few seconds to become active. If the error persists, the application may be suspended or its plan may not include this model.',
}

/** Responses of the model server, or of a proxy in front of it. */
export const serverResponses = {
  empty: 'The model server sent an empty response.',
  success: 'The model responded.',
  error: 'The model server responded with an error.',
  redirect:
    'The endpoint redirects to another URL, and the portal does not follow redirects. The operator must correct the URL of the model server.',
  unpaid:
    'The account of the model server at its provider has no quota or budget left. This is not the limit of your plan. The operator must check that account.',
  rejectedByServer:
    'The model server rejected the request after the gateway accepted the key. The operator must check the credentials that the model server expects.',
  unknownUrl:
    'Neither the gateway nor the model server knows this URL. The operator should check the backends of the product.',
  unknownModel: 'The model server does not know this path or model ID. The operator should check the model ID.',
  tooLarge: 'The request is larger than the model server or a proxy accepts. Shorten the text.',
  busy: 'The model is busy: its server received too many requests. This is not the limit of your plan.',
  starting: 'The model is starting, which may take a few minutes.',
  timeout: `The model server did not respond in time. A model that was scaled to zero may still be starting. ${tryInMinute}`,
  down: `No instance of the model server is ready. It may be starting or switched off. ${tryInMinute} ${contactOperator}`,
  failed: `The model server behind the gateway failed to process the request. ${tryInMinute} ${contactOperator}`,
  notAccepted: 'The model server did not accept the request.',
  quotation: (text: string) => `The model server reports: “${text}”`,
  errorPage: (text: string) => `The error page reports: “${text}”`,
  otherContent: (type: string) => `${type} response`,
}

export const retryAdvice = {
  seconds: (seconds: number) => ` Try again in ${seconds === 1 ? '1 second' : `${seconds} seconds`}.`,
  moment: ' Try again in a moment.',
  minute: ` ${tryInMinute}`,
}

export const testCallMessages = {
  notTestable: 'No path of this product can be tested without knowledge of its service. Use the code below.',
  notSent: (reason: string) => `The call was not sent: ${reason}`,
  timeout:
    'The endpoint did not respond in time. Its gateway or model server may be unavailable. Try again in a minute.',
  assumedType: (type: string) =>
    `The type of this model (${type}) is assumed, because the mapping rules contain no known call. The operator can set another type.`,
  notLive: (state: Application['state']) =>
    state === 'pending'
      ? 'The application is waiting for approval. The gateway rejects its key until then.'
      : 'The application is not live, so the gateway rejects its key. Only the operator can resume it.',
}

/** Messages about a request that was repeated with changed parameters. */
export const changeNotices: Record<ParameterChange, string> = {
  no_stream_options: 'The model server does not accept stream_options. The request was sent again without it.',
  no_stream: 'The model server does not stream answers. The request was sent again without stream.',
  no_stream_for_gateway:
    'The model server does not accept stream_options, which the gateway adds to each stream. The request was sent again without stream.',
  max_completion_tokens:
    'The model server does not accept max_tokens. The request was sent again with max_completion_tokens.',
}

export function parameterAdviceMessage(names: string): string {
  return `Change or clear ${names}, then send the request again.`
}
