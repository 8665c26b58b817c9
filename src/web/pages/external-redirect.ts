import type { FastifyInstance, FastifyReply } from 'fastify'

declare module 'fastify' {
  interface FastifyReply {
    /**
     * Redirects to another origin with a page that refreshes, which works without scripts. An HTTP redirect would be blocked: browsers
     * apply `form-action` of the page with the form to every following redirect (Chromium) or to the first one (Firefox), and the portal
     * cannot know the origins that a provider redirects to.
     */
    redirectExternally(url: string, text: { title: string; lead: string }): ReturnType<FastifyReply['page']>
  }
}

export function registerExternalRedirect(app: FastifyInstance): void {
  app.decorateReply(
    'redirectExternally',
    function (this: FastifyReply, url: string, text: { title: string; lead: string }) {
      this.header('cache-control', 'no-store')
      return this.page('leaving/show', { ...text, refresh: url }, { layout: 'bare' })
    },
  )
}
