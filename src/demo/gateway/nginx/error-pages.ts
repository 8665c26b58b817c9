import type { ServerResponse } from 'node:http'

/** A request that nginx rejects with one of its error pages. */
export interface Refusal {
  status: number
  title: string
  /** Heading and text of the page, if they differ from the title. */
  heading?: string
  detail?: string
}

export const pages = {
  badRequest: { status: 400, title: 'Bad Request' },
  headerTooLarge: {
    status: 400,
    title: 'Request Header Or Cookie Too Large',
    heading: 'Bad Request',
    detail: 'Request Header Or Cookie Too Large',
  },
  notAllowed: { status: 405, title: 'Not Allowed' },
  uriTooLarge: { status: 414, title: 'Request-URI Too Large' },
  notImplemented: { status: 501, title: 'Not Implemented' },
  badGateway: { status: 502, title: 'Bad Gateway' },
  versionNotSupported: { status: 505, title: 'HTTP Version Not Supported' },
} satisfies Record<string, Refusal>

/** nginx's HTML page, with its length (nginx, src/http/ngx_http_special_response.c). */
export function sendPage(response: ServerResponse, { status, title, heading = title, detail }: Refusal): void {
  const page = [
    '<html>',
    `<head><title>${status} ${title}</title></head>`,
    '<body>',
    `<center><h1>${status} ${heading}</h1></center>`,
    ...(detail ? [`<center>${detail}</center>`] : []),
    '<hr><center>nginx</center>',
    '</body>',
    '</html>',
    '',
  ].join('\r\n')
  response.writeHead(status, heading, { 'content-type': 'text/html', 'content-length': page.length }).end(page)
}
