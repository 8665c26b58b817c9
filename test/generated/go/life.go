// An account's life with the generated client: from a token to the last deletion. Prints one line for each step that held.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/example/maas"
)

const month = int64(3_000_000_000)

func main() {
	issuer, control := os.Getenv("ISSUER"), os.Getenv("CONTROL")
	ctx := signIn(issuer, "maas:read maas:write maas:reveal")
	client := maas.NewAPIClient(maas.NewConfiguration())
	account, models := client.AccountAPI, client.ModelsAPI
	applications, usage := client.ApplicationsAPI, client.UsageAPI

	me, _, err := account.ReadMe(ctx).Execute()
	must(err)
	ok("before sign-up", !me.SignedUp, me.Account.Get() == nil, me.JoiningAccount.Get() == nil)
	required := []string{}
	for _, field := range me.Required.Fields {
		required = append(required, field.Name)
	}
	terms := me.Required.Terms.Get()
	ok("what sign-up requires", strings.Join(required, " ") == "department job_title", terms != nil)
	_, _, err = account.SignUp(ctx).SignUp(*maas.NewSignUp()).Execute()
	problem := refused(err)
	ok("a sign-up without answers is a typed 422", code(problem) == "invalid_fields", problem.Errors["fields.department"] != "")
	answers := maas.NewSignUp()
	answers.SetFields(map[string]string{"department": "Research", "job_title": "Scientist"})
	answers.SetAcceptTerms(terms.Version)
	signed, response, err := account.SignUp(ctx).SignUp(*answers).Execute()
	must(err)
	ok("sign-up", response.StatusCode == 201, signed.SignedUp, signed.Account.Get().Role == "admin")
	_, response, err = account.SignUp(ctx).SignUp(*answers).Execute()
	must(err)
	ok("sign-up again", response.StatusCode == 200)

	names := map[string]bool{}
	given := 0
	for request := models.ListModels(ctx).Limit(5); ; {
		page, _, err := request.Execute()
		must(err)
		for _, model := range page.Items {
			names[model.SystemName] = true
			given++
		}
		if page.NextCursor.Get() == nil {
			break
		}
		request = request.Cursor(*page.NextCursor.Get())
	}
	ok("models by pages", given > 10, given == len(names))
	model, _, err := models.ReadModel(ctx, "granite-chat").Execute()
	must(err)
	plans := map[string]bool{}
	for _, plan := range model.Plans {
		plans[plan.SystemName] = true
	}
	ok("one model", model.Credentials.Mode == "user_key", plans["basic"])
	page, _, err := models.ListModels(ctx).Limit(100).Execute()
	must(err)
	unlicensed := 0
	for _, each := range page.Items {
		if each.License.Get() == nil {
			unlicensed++
		}
	}
	ok("a model without a licence", unlicensed > 0)
	snippets, _, err := models.ListSnippets(ctx, "granite-chat").Execute()
	must(err)
	clients := map[string]bool{}
	for _, snippet := range snippets.Items {
		clients[string(snippet.Client)] = true
	}
	ok("snippets", clients["curl"], len(clients) > 1)

	wish := maas.NewApplicationInput("granite-chat", "life")
	wish.SetPlan("basic")
	wish.SetFields(map[string]string{"purpose": "Experiment"})
	made, response, err := applications.CreateApplication(ctx).ApplicationInput(*wish).IdempotencyKey("life-1").Execute()
	must(err)
	key := made.Credentials.GetUserKey()
	location := fmt.Sprintf("/applications/%d", made.Id)
	ok("an application", response.StatusCode == 201, made.State == "live", key != "", strings.HasSuffix(response.Header.Get("Location"), location))
	again, repeat, err := applications.CreateApplication(ctx).ApplicationInput(*wish).IdempotencyKey("life-1").Execute()
	must(err)
	ok("the same request again", response.Header.Get("Idempotency-Replayed") == "", repeat.Header.Get("Idempotency-Replayed") == "true", again.Id == made.Id, again.CreatedAt.Equal(made.CreatedAt))
	other := maas.NewApplicationInput("granite-chat", "other")
	other.SetPlan("unlimited")
	other.SetFields(map[string]string{"purpose": "Experiment"})
	_, _, err = applications.CreateApplication(ctx).ApplicationInput(*other).IdempotencyKey("life-1").Execute()
	problem = refused(err)
	ok("its Idempotency-Key with another body", code(problem) == "idempotency_key_reused", problem.Status == 422)
	number := made.Id
	shown, _, err := applications.ReadApplication(ctx, number).Execute()
	must(err)
	ok("read without secrets", shown.Credentials.UserKey == nil)
	revealed, _, err := applications.ReadApplication(ctx, number).Reveal(true).Execute()
	must(err)
	ok("revealed", revealed.Credentials.GetUserKey() == key)
	_, _, err = applications.ReadApplication(signIn(issuer, "maas:read"), number).Reveal(true).Execute()
	ok("a token without maas:reveal is a typed 403", code(refused(err)) == "insufficient_scope")
	list, _, err := applications.ListApplications(ctx).Model("granite-chat").Execute()
	must(err)
	ok("listed", len(list.Items) == 1, list.Items[0].Id == number)

	chat := func(credential string) (int, string) {
		question := map[string]any{"model": *shown.ModelId.Get(), "messages": []map[string]string{{"role": "user", "content": "hello"}}}
		return post(*shown.BaseUrl.Get()+"/chat/completions", question, "Bearer "+credential)
	}
	status, text := chat(key)
	ok("the key at the gateway", status == 200, strings.Contains(text, "choices"))
	rotated, _, err := applications.RotateKey(ctx, number).IdempotencyKey("life-2").Execute()
	must(err)
	old := rotated.RevocationCheck.Get()
	ok("rotation", rotated.Credentials.GetUserKey() != key, rotated.Key.GetValue() == rotated.Credentials.GetUserKey(), old.Status == "pending")
	status, _ = chat(rotated.Key.GetValue())
	ok("the new key at the gateway", status == 200)
	check, _, err := applications.ReadRevocationCheck(ctx, number, old.KeyId).Execute()
	must(err)
	ok("the revocation check of the old key", check.ApplicationId == number, check.CheckedAt.Get() == nil)
	_, _, err = applications.CreateKey(ctx, number).Execute()
	ok("a second user_key is a typed 409", refused(err).Status == 409)

	pair := maas.NewApplicationInput("llama-chat", "pair")
	pair.SetFields(map[string]string{"purpose": "Experiment"})
	second, _, err := applications.CreateApplication(ctx).ApplicationInput(*pair).IdempotencyKey("life-3").Execute()
	must(err)
	ok("an application with an app_id", second.Credentials.GetAppId() != "", len(second.Credentials.AppKeys) == 1)
	added, response, err := applications.CreateKey(ctx, second.Id).IdempotencyKey("life-4").Execute()
	must(err)
	ok("a second key", response.StatusCode == 201, added.GetValue() != "")
	keys, _, err := applications.ListKeys(ctx, second.Id).Execute()
	must(err)
	ok("keys by pages", len(keys.Items) == 2, keys.NextCursor.Get() == nil, keys.Items[0].Value == nil)
	single, _, err := applications.ReadKey(ctx, second.Id, added.KeyId).Execute()
	must(err)
	ok("one key", single.CreatedAt.Get().Equal(*added.CreatedAt.Get()))
	removal, _, err := applications.DeleteKey(ctx, second.Id, added.KeyId).Execute()
	must(err)
	keys, _, err = applications.ListKeys(ctx, second.Id).Execute()
	must(err)
	ok("a key removed", removal.RevocationCheck.KeyId == added.KeyId, len(keys.Items) == 1)

	status, _ = post(control+"/_demo/usage", []map[string]any{{"application": number, "metric": "total_tokens", "at": time.Now(), "amount": month}}, "")
	report, _, err := usage.ReadApplicationUsage(ctx, number).Range_("24h").Execute()
	must(err)
	total, most := int64(0), int64(0)
	for _, series := range report.Series {
		if series.Metric != "total_tokens" {
			continue
		}
		total = series.Total
		for _, value := range series.Values {
			most = max(most, value)
		}
	}
	ok("usage beyond 32 bits", status == 201, total >= month, most >= month)
	file, _, err := usage.DownloadApplicationUsage(ctx, number).Range_("24h").Bom(false).Execute()
	must(err)
	csv, err := os.ReadFile(file.Name())
	must(err)
	table := string(csv)
	ok("usage as CSV", strings.HasPrefix(table, `"start"`), strings.Contains(table, `"300000`))
	all, _, err := usage.ReadUsage(ctx).Range_("24h").Execute()
	must(err)
	ok("usage of the account", all.Tokens.Total >= month)
	limits, _, err := usage.ListApplicationLimits(ctx, number).Execute()
	must(err)
	ok("limits of an application", len(limits.Items) > 0, limits.NextCursor.Get() == nil)
	limited, _, err := usage.ListLimits(ctx).Execute()
	must(err)
	found := false
	for _, each := range limited.Items {
		found = found || each.Application.Id == number
	}
	ok("limits of the account", found)
	cost, _, err := usage.ReadApplicationCosts(ctx, number).Execute()
	must(err)
	ok("costs of an application", cost.Application.Id == number)
	costs, _, err := usage.ListCosts(ctx).Execute()
	must(err)
	found = false
	for _, each := range costs.Items {
		found = found || each.Application.Id == number
	}
	ok("costs of the account", found)

	guest := maas.NewMemberInput("member")
	guest.SetEmail("life@example.com")
	invited, _, err := account.InviteMember(ctx).MemberInput(*guest).Execute()
	must(err)
	ok("an invitation", invited.State == "invited", *invited.Email.Get() == "life@example.com", invited.ClientId.Get() == nil)
	one, _, err := account.ReadMember(ctx, invited.Id).Execute()
	must(err)
	ok("one member", *one.Email.Get() == "life@example.com")
	promotion := maas.MemberChange{}
	promotion.SetRole("admin")
	changed, _, err := account.ChangeMember(ctx, invited.Id).MemberChange(promotion).Execute()
	must(err)
	ok("another role", changed.Role == "admin")
	members, _, err := account.ListMembers(ctx).Execute()
	must(err)
	found = false
	for _, each := range members.Items {
		found = found || (each.Id == invited.Id && each.Role == "admin")
	}
	ok("members", found)
	response, err = account.RemoveMember(ctx, invited.Id).Execute()
	must(err)
	ok("a member removed", response.StatusCode == 204)

	change := maas.NewApplicationChange()
	change.SetName("renamed")
	_, response, err = applications.ReadApplication(ctx, number).Execute()
	must(err)
	version := response.Header.Get("ETag")
	renamed, _, err := applications.UpdateApplication(ctx, number).ApplicationChange(*change).IfMatch(version).Execute()
	must(err)
	ok("another name", renamed.Name == "renamed", renamed.CreatedAt.Equal(made.CreatedAt))
	_, _, err = applications.UpdateApplication(ctx, number).ApplicationChange(*change).IfMatch(version).Execute()
	problem = refused(err)
	ok("a change of an older version is a typed 412", code(problem) == "precondition_failed", problem.Status == 412)
	whole := maas.ApplicationReplacement{}
	whole.SetName("replaced")
	whole.SetPlan("basic")
	whole.SetFields(map[string]string{"purpose": "Production"})
	replaced, _, err := applications.ReplaceApplication(ctx, number).ApplicationReplacement(whole).Execute()
	must(err)
	ok("replaced as a whole", replaced.Name == "replaced", replaced.Fields["purpose"] == "Production")
	_, _, err = applications.ReadApplication(ctx, 1).Execute()
	problem = refused(err)
	ok("what does not exist is a typed 404", code(problem) == "not_found", problem.RequestId != "")
	_, _, err = account.ReadMe(context.Background()).Execute()
	ok("no token is a typed 401", refused(err).Status == 401)
	_, response, err = applications.DeleteApplication(ctx, number).Execute()
	must(err)
	ok("deletion", response.StatusCode == 204)
	_, response, err = applications.DeleteApplication(ctx, second.Id).Execute()
	must(err)
	ok("deletion of both", response.StatusCode == 204)
	_, _, err = applications.ReadApplication(ctx, number).Execute()
	ok("gone", refused(err).Status == 404)
}

func ok(step string, facts ...bool) {
	for index, fact := range facts {
		if !fact {
			fail(fmt.Sprintf("%s: fact %d does not hold", step, index+1))
		}
	}
	fmt.Println("ok - " + step)
}

func must(err error) {
	var answer *maas.GenericOpenAPIError
	if errors.As(err, &answer) {
		fail(err.Error() + " " + string(answer.Body()))
	}
	if err != nil {
		fail(err.Error())
	}
}

func fail(reason string) {
	fmt.Fprintln(os.Stderr, "not ok - "+reason)
	os.Exit(1)
}

// refused is the typed problem of a call that must fail.
func refused(err error) maas.Problem {
	var answer *maas.GenericOpenAPIError
	if !errors.As(err, &answer) {
		fail("a call that must fail was accepted")
	}
	problem, typed := answer.Model().(maas.Problem)
	if !typed {
		fail("not a problem: " + string(answer.Body()))
	}
	return problem
}

func code(problem maas.Problem) string {
	return problem.Type[strings.LastIndex(problem.Type, ":")+1:]
}

// signIn gets a token by client credentials (RFC 6749 section 4.4).
func signIn(issuer, scope string) context.Context {
	form := url.Values{
		"grant_type":    {"client_credentials"},
		"scope":         {scope},
		"client_id":     {os.Getenv("CLIENT_ID")},
		"client_secret": {os.Getenv("CLIENT_SECRET")},
	}
	response, err := http.PostForm(issuer+"/token", form)
	must(err)
	defer response.Body.Close()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	must(json.NewDecoder(response.Body).Decode(&token))
	return context.WithValue(context.Background(), maas.ContextAccessToken, token.AccessToken)
}

// post sends JSON to something else than the portal.
func post(address string, body any, authorization string) (int, string) {
	text, err := json.Marshal(body)
	must(err)
	request, err := http.NewRequest(http.MethodPost, address, bytes.NewReader(text))
	must(err)
	request.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(request)
	must(err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	must(err)
	return response.StatusCode, string(answer)
}
