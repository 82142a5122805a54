//! What the stub of NFVCL does with requests that its document allows.

use super::{Asked, State, detail, respond};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};

impl State {
    /// What NFVCL itself does.
    pub(super) fn done(&mut self, asked: &Asked) -> Response<Body> {
        let path = asked.path.as_str();
        match (asked.method.as_str(), path) {
            ("POST", "/token") => self.log_in(asked),
            (_, "/ready") => self.success(asked, &json!({})),
            ("GET", "/v1/topology") => match &self.topology {
                Some(topology) => self.success(asked, topology),
                None => self.failed("No topology found"),
            },
            ("POST", "/v1/topology") => {
                self.topology = Some(self.filled(asked));
                self.accepted(asked, "topology created", None)
            }
            ("POST", "/v1/topology/network") => self.add_network(asked),
            ("POST", "/v1/topology/vim") => self.add_vim(asked),
            ("GET", "/v1/topology/kubernetes") => self.onboarded(asked),
            ("GET", "/v2/utils/get_task_status") => self.task(asked),
            ("GET", "/nfvcl/v2/api/blue") => self.list(asked),
            ("POST", "/nfvcl/v2/api/blue/k8s") => self.create(asked),
            ("PUT" | "POST", "/nfvcl/v2/api/blue/k8s/add_node") => self.add_node(asked),
            ("GET", "/nfvcl/v2/api/blue/k8s/root_kubeconfig") => {
                match self.blueprint(&asked.argument("blue_id").unwrap()) {
                    Some(one) if one["status"]["current_operation"] == "idle" => {
                        self.success(asked, &self.kubeconfig.clone().into())
                    }
                    Some(_) => self.failed("the blueprint is locked"),
                    None => detail(404, "no such blueprint"),
                }
            }
            ("DELETE", _) if path.starts_with("/v1/topology/vim/") => self.remove(asked, "vims"),
            ("DELETE", _) if path.starts_with("/v1/topology/network/") => self.remove(asked, "networks"),
            ("DELETE", _) if path.starts_with("/nfvcl/v2/api/blue/") => self.destroy(asked),
            _ => panic!("the stub does not do {} {path}", asked.method),
        }
    }

    /// A token for the user with its password.
    fn log_in(&self, asked: &Asked) -> Response<Body> {
        let form = asked.form();
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        let is_user = field("grant_type") == "password"
            && self.user.as_ref().is_some_and(|user| *user == (field("username"), field("password")));
        match &self.token {
            Some(token) if is_user => {
                let given = json!({"access_token": token, "refresh_token": "again", "token_type": "bearer"});
                self.success(asked, &given)
            }
            _ => detail(401, "Incorrect username or password"),
        }
    }

    /// What is thrown inside: 0.3 and 0.4 write it under different keys.
    fn failed(&self, words: &str) -> Response<Body> {
        let key = if self.is_older() { "error" } else { "detail" };
        respond(500, &json!({(key): words}))
    }

    fn is_older(&self) -> bool {
        self.document["info"]["version"].as_str().unwrap().starts_with("0.3")
    }

    /// 202 with a task that has ended already, or 200 with the outcome: as the document says.
    fn accepted(&mut self, asked: &Asked, words: &str, trouble: Option<String>) -> Response<Body> {
        let path = self.described(&asked.path).unwrap();
        let is_task = path[asked.method.as_str().to_lowercase()]["responses"]["202"].is_object();
        if is_task {
            let task = format!("task-{}", self.tasks.len());
            self.tasks.insert(task.clone(), trouble);
            return self
                .success(asked, &json!({"status": "processing", "detail": words, "result": {}, "task_id": task}));
        }
        if let Some(trouble) = trouble {
            return self.failed(&trouble);
        }
        // It repeats what it was sent, passwords too.
        let sent: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        self.success(asked, &json!({"status": "ready", "detail": words, "result": {"sent": sent}, "task_id": null}))
    }

    fn add_network(&mut self, asked: &Asked) -> Response<Body> {
        let network = self.filled(asked);
        let Some(topology) = &mut self.topology else { return self.failed("No topology found") };
        topology["networks"].as_array_mut().unwrap().push(network);
        self.accepted(asked, "network added", None)
    }

    fn add_vim(&mut self, asked: &Asked) -> Response<Body> {
        let vim = self.filled(asked);
        let Some(topology) = &mut self.topology else {
            return self.failed("'NoneType' object has no attribute 'vims'");
        };
        let known = topology["vims"].as_array_mut().unwrap();
        let is_same = known.iter().any(|one| one["name"] == vim["name"]);
        let trouble = is_same.then(|| format!("VIM with name {} already exists", vim["name"]));
        if trouble.is_none() {
            known.push(vim);
        }
        self.accepted(asked, "vim added", trouble)
    }

    fn remove(&mut self, asked: &Asked, kind: &str) -> Response<Body> {
        let name = asked.path.rsplit('/').next().unwrap().to_owned();
        let Some(topology) = &mut self.topology else { return self.failed("No topology found") };
        topology[kind].as_array_mut().unwrap().retain(|one| one["name"] != name.as_str());
        self.accepted(asked, "removed", None)
    }

    fn task(&self, asked: &Asked) -> Response<Body> {
        let id = asked.argument("task_id").unwrap();
        match self.tasks.get(&id) {
            None if self.is_older() => self.failed("no such task"),
            None => detail(404, "no such task"),
            Some(trouble) => {
                let result = if trouble.is_none() { json!("done") } else { Value::Null };
                let body = json!({"task_id": id, "status": "done", "result": result, "error": trouble.is_some(), "exception": trouble});
                self.success(asked, &body)
            }
        }
    }

    fn blueprint(&self, id: &str) -> Option<&Value> {
        self.blueprints.iter().find(|one| one["id"] == id)
    }

    fn list(&self, asked: &Asked) -> Response<Body> {
        let is_detailed = asked.argument("detailed").as_deref() == Some("true");
        let shown = |one: &Value| {
            if is_detailed {
                return one.clone();
            }
            json!({"id": one["id"], "type": one["type"], "status": one["status"], "created": one["created"],
                "protected": false, "node_list": []})
        };
        self.success(asked, &self.blueprints.iter().map(shown).collect())
    }

    fn create(&mut self, asked: &Asked) -> Response<Body> {
        let config = self.filled(asked);
        let id = format!("BLUE{:02}", self.blueprints.len() + self.tasks.len() + 10);
        let is_master = |area: &&Value| area["is_master_area"] == true;
        let master = config["areas"].as_array().unwrap().iter().find(is_master).cloned().unwrap_or_default();
        if !self.unmade {
            self.blueprints.push(json!({
                "id": id, "type": "nfvcl.blueprints_ng.modules.k8s.k8s_blueprint.K8sBlueprint",
                "state": {"master_area": master, "vm_workers": [], "master_credentials": "", "password": "ubuntu"},
                "create_config": config, "created": "2026-11-23T06:31:19.315486", "corrupted": false, "protected": false,
                "status": {"error": false, "current_operation": "deploying", "detail": ""}, "day_2_call_history": [],
            }));
        }
        if let Some((status, body)) = self.odd_answer.take() {
            return respond(status, &body);
        }
        let task = format!("task-{}", self.tasks.len());
        self.tasks.insert(task.clone(), None);
        let words = format!("Blueprint {id} is being deployed...");
        self.success(asked, &json!({"status": "deploying", "detail": words, "result": {}, "task_id": task}))
    }

    fn add_node(&mut self, asked: &Asked) -> Response<Body> {
        let (id, model) = (asked.argument("blue_id").unwrap(), self.filled(asked));
        let Some(one) = self.blueprints.iter_mut().find(|one| one["id"] == id.as_str()) else {
            return respond(
                400,
                &json!({"status": "failed", "detail": format!("Blueprint {id} not found"), "result": {}, "task_id": null}),
            );
        };
        one["day_2_call_history"].as_array_mut().unwrap().push(model);
        one["status"] = json!({"error": false, "current_operation": "running-day2-op", "detail": ""});
        self.accepted(asked, &format!("Blueprint day2 message for {id} given to the worker..."), None)
    }

    fn destroy(&mut self, asked: &Asked) -> Response<Body> {
        let id = asked.path.rsplit('/').next().unwrap().to_owned();
        let is_forced = asked.argument("force_deletion").as_deref() == Some("true");
        let broken = self.broken.clone().filter(|_| !is_forced);
        let Some(one) = self.blueprints.iter_mut().find(|one| one["id"] == id.as_str()) else {
            return respond(
                400,
                &json!({"status": "failed", "detail": format!("Blueprint {id} not found"), "result": {}, "task_id": null}),
            );
        };
        // Where machines cannot be reached, a deletion fails as a creation does.
        one["status"] = match broken {
            Some(reason) => json!({"error": true, "current_operation": "idle", "detail": reason}),
            None => json!({"error": false, "current_operation": "destroying", "detail": ""}),
        };
        self.accepted(asked, &format!("Blueprint {id} is being deleted..."), None)
    }

    /// Clusters that are ready are in the topology, with their kubeconfig.
    fn onboarded(&self, asked: &Asked) -> Response<Body> {
        if self.topology.is_none() {
            return self.failed("No topology found");
        }
        let ready = self.blueprints.iter().filter(|one| one["status"]["current_operation"] == "idle");
        let shown = ready.map(|one| {
            json!({"name": one["id"], "blueprint_ref": one["id"], "credentials": self.kubeconfig, "networks": [],
                "areas": [one["create_config"]["areas"][0]["area_id"]]})
        });
        self.success(asked, &shown.chain(self.external.iter().cloned()).collect())
    }
}
