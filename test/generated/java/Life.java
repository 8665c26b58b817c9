import com.example.maas.ApiClient;
import com.example.maas.ApiException;
import com.example.maas.api.AccountApi;
import com.example.maas.api.ApplicationsApi;
import com.example.maas.api.ModelsApi;
import com.example.maas.api.UsageApi;
import com.example.maas.model.*;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** An account's life with the generated client: from a token to the last deletion. Prints one line for each step that held. */
public class Life {
  private static final String ISSUER = System.getenv("ISSUER");
  private static final String CONTROL = System.getenv("CONTROL");
  private static final long MONTH = 3_000_000_000L;
  private static final ObjectMapper json = ApiClient.createDefaultObjectMapper();
  private static final HttpClient http = HttpClient.newHttpClient();

  private interface Call {
    void run() throws ApiException;
  }

  public static void main(String[] arguments) throws Exception {
    ApiClient client = signIn("maas:read maas:write maas:reveal");
    AccountApi account = new AccountApi(client);
    ModelsApi models = new ModelsApi(client);
    ApplicationsApi applications = new ApplicationsApi(client);
    UsageApi usage = new UsageApi(client);

    Me me = account.readMe();
    ok("before sign-up", !me.getSignedUp(), me.getAccount() == null, me.getJoiningAccount() == null);
    List<String> required = me.getRequired().getFields().stream().map(field -> field.getName()).toList();
    ok("what sign-up requires", required.equals(List.of("department", "job_title")), me.getRequired().getTerms() != null);
    Problem problem = refused(() -> account.signUp(signUp(new SignUp())));
    ok("a sign-up without answers is a typed 422", code(problem).equals("invalid_fields"), problem.getErrors().containsKey("fields.department"));
    SignUp answers = new SignUp()
        .fields(Map.of("department", "Research", "job_title", "Scientist"))
        .acceptTerms(me.getRequired().getTerms().getVersion());
    var signed = account.signUpWithHttpInfo(signUp(answers));
    ok("sign-up", signed.getStatusCode() == 201, signed.getData().getSignedUp(), is("admin", signed.getData().getAccount().getRole()));
    ok("sign-up again", account.signUpWithHttpInfo(signUp(answers)).getStatusCode() == 200);

    List<String> names = new ArrayList<>();
    String cursor = null;
    do {
      var page = models.listModels(ModelsApi.APIListModelsRequest.newBuilder().limit(5).cursor(cursor).build());
      page.getItems().forEach(model -> names.add(model.getSystemName()));
      cursor = page.getNextCursor();
    } while (cursor != null);
    ok("models by pages", names.size() > 10, names.size() == new HashSet<>(names).size());
    Model model = models.readModel(ModelsApi.APIReadModelRequest.newBuilder().systemName("granite-chat").build());
    ok("one model", is("user_key", model.getCredentials().getMode()), model.getPlans().stream().anyMatch(plan -> plan.getSystemName().equals("basic")));
    var all = models.listModels(ModelsApi.APIListModelsRequest.newBuilder().limit(100).build());
    ok("a model without a licence", all.getItems().stream().anyMatch(each -> each.getLicense() == null));
    var snippets = models.listSnippets(ModelsApi.APIListSnippetsRequest.newBuilder().systemName("granite-chat").build());
    ok("snippets", snippets.getItems().stream().anyMatch(snippet -> is("curl", snippet.getClient())), snippets.getItems().size() > 1);

    ApplicationInput wish = new ApplicationInput().model("granite-chat").plan("basic").name("life").fields(Map.of("purpose", "Experiment"));
    var made = applications.createApplicationWithHttpInfo(create(wish, "life-1"));
    long number = made.getData().getId();
    String key = made.getData().getCredentials().getUserKey();
    String location = made.getHeaders().get("location").get(0);
    ok("an application", made.getStatusCode() == 201, is("live", made.getData().getState()), key != null, location.endsWith("/applications/" + number));
    var repeat = applications.createApplicationWithHttpInfo(create(wish, "life-1"));
    Application again = repeat.getData();
    boolean replayed = List.of("true").equals(repeat.getHeaders().get("idempotency-replayed"));
    ok("the same request again", replayed, !made.getHeaders().containsKey("idempotency-replayed"), again.getId() == number, again.getCreatedAt().equals(made.getData().getCreatedAt()));
    ApplicationInput other = new ApplicationInput().model("granite-chat").plan("unlimited").name("other").fields(Map.of("purpose", "Experiment"));
    problem = refused(() -> applications.createApplication(create(other, "life-1")));
    ok("its Idempotency-Key with another body", code(problem).equals("idempotency_key_reused"), problem.getStatus() == 422);
    Application shown = applications.readApplication(read(number, false));
    ok("read without secrets", shown.getCredentials().getUserKey() == null);
    ok("revealed", applications.readApplication(read(number, true)).getCredentials().getUserKey().equals(key));
    ApplicationsApi reader = new ApplicationsApi(signIn("maas:read"));
    problem = refused(() -> reader.readApplication(read(number, true)));
    ok("a token without maas:reveal is a typed 403", code(problem).equals("insufficient_scope"));
    var list = applications.listApplications(ApplicationsApi.APIListApplicationsRequest.newBuilder().model("granite-chat").build());
    ok("listed", list.getItems().stream().anyMatch(each -> each.getId() == number));

    HttpResponse<String> chat = chat(shown, key);
    ok("the key at the gateway", chat.statusCode() == 200, chat.body().contains("choices"));
    Rotation rotated = applications.rotateKey(ApplicationsApi.APIRotateKeyRequest.newBuilder().id(number).idempotencyKey("life-2").build());
    String fresh = rotated.getKey().getValue();
    ok("rotation", !fresh.equals(key), fresh.equals(rotated.getCredentials().getUserKey()), is("pending", rotated.getRevocationCheck().getStatus()));
    ok("the new key at the gateway", chat(shown, fresh).statusCode() == 200);
    String oldKey = rotated.getRevocationCheck().getKeyId();
    RevocationCheck check = applications.readRevocationCheck(ApplicationsApi.APIReadRevocationCheckRequest.newBuilder().id(number).keyId(oldKey).build());
    ok("the revocation check of the old key", check.getApplicationId() == number, check.getCheckedAt() == null);
    problem = refused(() -> applications.createKey(ApplicationsApi.APICreateKeyRequest.newBuilder().id(number).build()));
    ok("a second user_key is a typed 409", problem.getStatus() == 409);

    ApplicationInput pair = new ApplicationInput().model("llama-chat").name("pair").fields(Map.of("purpose", "Experiment"));
    Application second = applications.createApplication(create(pair, "life-3"));
    ok("an application with an app_id", second.getCredentials().getAppId() != null, second.getCredentials().getAppKeys().size() == 1);
    var createKey = ApplicationsApi.APICreateKeyRequest.newBuilder().id(second.getId()).idempotencyKey("life-4").build();
    var added = applications.createKeyWithHttpInfo(createKey);
    ok("a second key", added.getStatusCode() == 201, added.getData().getValue() != null);
    var keysOf = ApplicationsApi.APIListKeysRequest.newBuilder().id(second.getId()).build();
    var keys = applications.listKeys(keysOf);
    ok("keys by pages", keys.getItems().size() == 2, keys.getNextCursor() == null, keys.getItems().get(0).getValue() == null);
    String addedId = added.getData().getKeyId();
    Key single = applications.readKey(ApplicationsApi.APIReadKeyRequest.newBuilder().id(second.getId()).keyId(addedId).build());
    ok("one key", single.getCreatedAt().equals(added.getData().getCreatedAt()));
    var removal = applications.deleteKey(ApplicationsApi.APIDeleteKeyRequest.newBuilder().id(second.getId()).keyId(addedId).build());
    ok("a key removed", removal.getRevocationCheck().getKeyId().equals(addedId), applications.listKeys(keysOf).getItems().size() == 1);

    var tokens = List.of(Map.of("application", number, "metric", "total_tokens", "at", OffsetDateTime.now().toString(), "amount", MONTH));
    int counted = send(CONTROL + "/_demo/usage", json.writeValueAsString(tokens), "application/json", null).statusCode();
    var report = usage.readApplicationUsage(UsageApi.APIReadApplicationUsageRequest.newBuilder().id(number).range("24h").build());
    var series = report.getSeries().stream().filter(each -> each.getMetric().equals("total_tokens")).findFirst().orElseThrow();
    ok("usage beyond 32 bits", counted == 201, series.getTotal() >= MONTH, series.getValues().stream().anyMatch(value -> value >= MONTH));
    var csv = UsageApi.APIDownloadApplicationUsageRequest.newBuilder().id(number).range("24h").bom(false).build();
    String table = Files.readString(usage.downloadApplicationUsage(csv).toPath());
    ok("usage as CSV", table.startsWith("\"start\""), table.contains("\"300000"));
    var whole = usage.readUsage(UsageApi.APIReadUsageRequest.newBuilder().range("24h").build());
    ok("usage of the account", whole.getTokens().getTotal() >= MONTH);
    var limits = usage.listApplicationLimits(UsageApi.APIListApplicationLimitsRequest.newBuilder().id(number).build());
    ok("limits of an application", !limits.getItems().isEmpty(), limits.getNextCursor() == null);
    var limited = usage.listLimits(UsageApi.APIListLimitsRequest.newBuilder().build());
    ok("limits of the account", limited.getItems().stream().anyMatch(each -> each.getApplication().getId() == number));
    var cost = usage.readApplicationCosts(UsageApi.APIReadApplicationCostsRequest.newBuilder().id(number).build());
    ok("costs of an application", cost.getApplication().getId() == number);
    var costs = usage.listCosts(UsageApi.APIListCostsRequest.newBuilder().build());
    ok("costs of the account", costs.getItems().stream().anyMatch(each -> each.getApplication().getId() == number));

    MemberInput guest = json.readValue("{\"email\":\"life@example.com\",\"role\":\"member\"}", MemberInput.class);
    Member invited = account.inviteMember(AccountApi.APIInviteMemberRequest.newBuilder().memberInput(guest).build());
    ok("an invitation", is("invited", invited.getState()), invited.getEmail().equals("life@example.com"), invited.getClientId() == null);
    Member one = account.readMember(AccountApi.APIReadMemberRequest.newBuilder().id(invited.getId()).build());
    ok("one member", one.getEmail().equals("life@example.com"));
    MemberChange admin = json.readValue("{\"role\":\"admin\"}", MemberChange.class);
    Member changed = account.changeMember(AccountApi.APIChangeMemberRequest.newBuilder().id(invited.getId()).memberChange(admin).build());
    ok("another role", is("admin", changed.getRole()));
    var members = account.listMembers(AccountApi.APIListMembersRequest.newBuilder().build());
    ok("members", members.getItems().stream().anyMatch(each -> each.getId().equals(invited.getId()) && is("admin", each.getRole())));
    var removed = account.removeMemberWithHttpInfo(AccountApi.APIRemoveMemberRequest.newBuilder().id(invited.getId()).build());
    ok("a member removed", removed.getStatusCode() == 204);

    String version = applications.readApplicationWithHttpInfo(read(number, false)).getHeaders().get("etag").get(0);
    var change = ApplicationsApi.APIUpdateApplicationRequest.newBuilder().id(number).ifMatch(version).applicationChange(new ApplicationChange().name("renamed")).build();
    Application renamed = applications.updateApplication(change);
    ok("another name", renamed.getName().equals("renamed"), renamed.getCreatedAt().equals(again.getCreatedAt()));
    problem = refused(() -> applications.updateApplication(change));
    ok("a change of an older version is a typed 412", code(problem).equals("precondition_failed"), problem.getStatus() == 412);
    ApplicationReplacement replacement = new ApplicationReplacement().name("replaced").plan("basic").fields(Map.of("purpose", "Production"));
    var replace = ApplicationsApi.APIReplaceApplicationRequest.newBuilder().id(number).applicationReplacement(replacement).build();
    Application replaced = applications.replaceApplication(replace);
    ok("replaced as a whole", replaced.getName().equals("replaced"), replaced.getFields().get("purpose").equals("Production"));
    problem = refused(() -> applications.readApplication(read(1, false)));
    ok("what does not exist is a typed 404", code(problem).equals("not_found"), problem.getRequestId() != null);
    AccountApi anonymous = new AccountApi(new ApiClient());
    ok("no token is a typed 401", refused(anonymous::readMe).getStatus() == 401);
    ok("deletion", applications.deleteApplicationWithHttpInfo(delete(number)).getStatusCode() == 204);
    ok("deletion of both", applications.deleteApplicationWithHttpInfo(delete(second.getId())).getStatusCode() == 204);
    ok("gone", refused(() -> applications.readApplication(read(number, false))).getStatus() == 404);
  }

  private static void ok(String step, boolean... facts) {
    for (int index = 0; index < facts.length; index++) {
      if (!facts[index]) throw new IllegalStateException("not ok - " + step + ": fact " + (index + 1) + " does not hold");
    }
    System.out.println("ok - " + step);
  }

  /** The typed problem of a call that must fail. */
  private static Problem refused(Call call) throws Exception {
    try {
      call.run();
    } catch (ApiException error) {
      Problem problem = json.readValue(error.getResponseBody(), Problem.class);
      if (problem.getStatus() == error.getCode()) return problem;
      throw error;
    }
    throw new IllegalStateException("not ok - a call that must fail was accepted");
  }

  private static String code(Problem problem) {
    String type = problem.getType().toString();
    return type.substring(type.lastIndexOf(':') + 1);
  }

  private static boolean is(String wanted, Object value) {
    return wanted.equals(String.valueOf(value));
  }

  /** A client with a token by client credentials (RFC 6749 section 4.4). */
  private static ApiClient signIn(String scope) throws Exception {
    Map<String, String> form = Map.of(
        "grant_type", "client_credentials",
        "scope", scope,
        "client_id", System.getenv("CLIENT_ID"),
        "client_secret", System.getenv("CLIENT_SECRET"));
    String body = form.entrySet().stream()
        .map(entry -> entry.getKey() + "=" + URLEncoder.encode(entry.getValue(), StandardCharsets.UTF_8))
        .collect(Collectors.joining("&"));
    String answer = send(ISSUER + "/token", body, "application/x-www-form-urlencoded", null).body();
    String token = json.readTree(answer).get("access_token").asText();
    ApiClient client = new ApiClient();
    client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + token));
    return client;
  }

  private static AccountApi.APISignUpRequest signUp(SignUp answers) {
    return AccountApi.APISignUpRequest.newBuilder().signUp(answers).build();
  }

  private static ApplicationsApi.APICreateApplicationRequest create(ApplicationInput wish, String idempotencyKey) {
    return ApplicationsApi.APICreateApplicationRequest.newBuilder().applicationInput(wish).idempotencyKey(idempotencyKey).build();
  }

  private static ApplicationsApi.APIReadApplicationRequest read(long id, boolean reveal) {
    return ApplicationsApi.APIReadApplicationRequest.newBuilder().id(id).reveal(reveal).build();
  }

  private static ApplicationsApi.APIDeleteApplicationRequest delete(long id) {
    return ApplicationsApi.APIDeleteApplicationRequest.newBuilder().id(id).build();
  }

  private static HttpResponse<String> chat(Application application, String credential) throws Exception {
    var question = Map.of("model", application.getModelId(), "messages", List.of(Map.of("role", "user", "content", "hello")));
    return send(application.getBaseUrl() + "/chat/completions", json.writeValueAsString(question), "application/json", "Bearer " + credential);
  }

  /** A call of something else than the portal. */
  private static HttpResponse<String> send(String url, String body, String type, String authorization) throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url))
        .header("Content-Type", type)
        .POST(HttpRequest.BodyPublishers.ofString(body));
    if (authorization != null) request.header("Authorization", authorization);
    return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }
}
