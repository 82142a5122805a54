//! Clusters: made, scaled out, taken away; odd answers, refusals, syncs of an area.

use super::{PASSWORD, cluster, ready, vim, worlds};
use serde_json::{Value, json};
use smo::backend::live::http::Auth;
use smo::serve::nfvcl::rows::{ClusterRequest, ClusterState, OsCluster};
use smo::serve::nfvcl::{Nfvcl, NfvclError, Version};
use smo::serve::store::asked::EventFilter;
use std::collections::BTreeSet;

#[tokio::test]
async fn a_cluster_is_made_scaled_out_and_taken_away() {
    for world in worlds("a_cluster_is_made_scaled_out_and_taken_away").await {
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        let (row, said) = world.sites.create_cluster(cluster("athens")).await.unwrap();
        assert!(said["detail"].as_str().unwrap().starts_with("Blueprint "));
        let letters = row.id.strip_prefix("OS_K8S_4_").unwrap();
        assert!(letters.len() == 5 && letters.bytes().all(|byte| byte.is_ascii_alphabetic()), "{}", row.id);
        assert_eq!((row.state, row.running_workers), (ClusterState::Deploying, 0));
        world.sites.look().await;
        assert_eq!(world.sites.cluster(&row.id).await.unwrap().state, ClusterState::Deploying);
        world.nfvcl.settle();
        world.sites.look().await;
        let made = world.sites.cluster(&row.id).await.unwrap();
        assert_eq!((made.state, made.running_workers, made.nfvcl_id), (ClusterState::Ready, 2, row.nfvcl_id.clone()));
        assert_eq!(made.master_flavor["memory_mb"], "2048");
        assert!(!made.karmada.wanted, "there is no control plane that it could join");
        let (_, said) = world.sites.scale_out(&row.id, 3).await.unwrap();
        assert!(said["detail"].as_str().unwrap().contains("given to the worker"));
        assert!(matches!(world.sites.scale_out(&row.id, 1).await, Err(NfvclError::Conflict(_))), "one at a time");
        world.nfvcl.settle();
        world.sites.look().await;
        let scaled = world.sites.cluster(&row.id).await.unwrap();
        assert_eq!((scaled.state, scaled.running_workers), (ClusterState::Ready, 5));
        assert!(matches!(world.sites.delete_vim("athens").await, Err(NfvclError::Conflict(_))), "a cluster is in it");
        world.sites.delete_cluster(&row.id, false).await.unwrap();
        assert_eq!(world.sites.cluster(&row.id).await.unwrap().state, ClusterState::Deleting);
        world.nfvcl.settle();
        world.sites.look().await;
        assert!(matches!(world.sites.cluster(&row.id).await, Err(NfvclError::Absent(_))));
        let kinds: Vec<String> = world
            .store
            .events(&EventFilter { kind: Some("cluster".to_owned()), ..EventFilter::default() })
            .await
            .unwrap()
            .into_iter()
            .map(|event| event.kind)
            .collect();
        let wanted = ["cluster.requested", "cluster.ready", "cluster.scaled-out", "cluster.ready", "cluster.deleted"];
        assert_eq!(kinds, wanted);
    }
}

/// NFVCL has accepted, and answers what nobody understands, or nothing at all.
#[tokio::test]
async fn a_cluster_that_nfvcl_accepted_in_odd_words_is_found_all_the_same() {
    for world in worlds("a_cluster_that_nfvcl_accepted_in_odd_words_is_found_all_the_same").await {
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        let before = ready(&world, "athens").await;
        for odd in
            [(202, json!({"status": "deploying", "detail": "on its way"})), (202, json!("yes")), (504, json!({}))]
        {
            world.nfvcl.state().odd_answer = Some(odd);
            let (row, _) = world.sites.create_cluster(cluster("athens")).await.unwrap();
            let newest = world.nfvcl.state().blueprints.last().unwrap()["id"].as_str().unwrap().to_owned();
            assert_eq!((row.state, row.nfvcl_id), (ClusterState::Deploying, Some(newest)));
            assert_ne!(Some(&row.id), Some(&before.id));
        }
        // It says no id, and lists it only later.
        let hidden = std::mem::take(&mut world.nfvcl.state().blueprints);
        world.nfvcl.state().odd_answer = Some((202, json!({"detail": ""})));
        world.nfvcl.state().unmade = true;
        let (row, _) = world.sites.create_cluster(cluster("athens")).await.unwrap();
        assert_eq!((row.state, &row.nfvcl_id), (ClusterState::Unclear, &None));
        assert!(row.reason.unwrap().starts_with("NFVCL has not said which cluster it makes"));
        assert!(matches!(world.sites.delete_cluster(&row.id, false).await, Err(NfvclError::Conflict(_))));
        let mut late = hidden[0].clone();
        late["id"] = "LATE01".into();
        world.nfvcl.state().blueprints = hidden.into_iter().chain([late]).collect();
        world.sites.look().await;
        assert_eq!(world.sites.cluster(&row.id).await.unwrap().nfvcl_id.as_deref(), Some("LATE01"));
        assert_eq!(world.sites.clusters(None).await.unwrap().len(), 5);
    }
}

#[tokio::test]
async fn a_cluster_that_nfvcl_refuses_leaves_no_row() {
    for world in worlds("a_cluster_that_nfvcl_refuses_leaves_no_row").await {
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        let refusals = [
            (400, json!({"status": "failed", "detail": "Blueprint with ID X already exist, retry..."})),
            (202, json!({"status": "failed", "detail": "no room"})),
            (500, json!({"error": "no such network"})),
        ];
        for refusal in refusals {
            world.nfvcl.state().odd_answer = Some(refusal.clone());
            world.nfvcl.state().unmade = true;
            let error = world.sites.create_cluster(cluster("athens")).await.unwrap_err();
            assert!(matches!(error, NfvclError::Refused(_)), "{refusal:?}: {error:?}");
            assert_eq!(world.sites.clusters(None).await.unwrap(), []);
        }
        let wrong_area = ClusterRequest { pop_area: Some(9), ..cluster("athens") };
        assert!(matches!(world.sites.create_cluster(wrong_area).await, Err(NfvclError::Absent(_))));
        assert!(matches!(world.sites.create_cluster(cluster("rome")).await, Err(NfvclError::Absent(_))));
        // What the stub's schema refuses comes through in its words, and without what was sent.
        let flavor = ClusterRequest { master_flavor: Some(json!({"colour": PASSWORD})), ..cluster("athens") };
        let error = world.sites.create_cluster(flavor).await.unwrap_err().to_string();
        assert!(error.contains("body.master_flavors.colour") && !error.contains(PASSWORD), "{error}");
    }
}

/// Row 103: an area narrows what may be taken away too, and rows outside of it stay whatever NFVCL lists.
#[tokio::test]
async fn a_sync_of_one_area_touches_no_other() {
    for world in worlds("a_sync_of_one_area_touches_no_other").await {
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        world.sites.create_vim(vim("berlin", 5)).await.unwrap();
        let (kept, lost) = (ready(&world, "athens").await, ready(&world, "athens").await);
        let (far, far_lost) = (ready(&world, "berlin").await, ready(&world, "berlin").await);
        {
            let mut state = world.nfvcl.state();
            let is_lost =
                |one: &Value| [&lost, &far_lost].iter().any(|row| row.nfvcl_id.as_deref() == one["id"].as_str());
            state.blueprints.retain(|one| !is_lost(one));
            // Made elsewhere, one in each area.
            for (area, id) in [(4, "ELSE04"), (5, "ELSE05")] {
                let mut other = state.blueprints[0].clone();
                (other["id"], other["state"]["master_area"]["area_id"]) = (id.into(), area.into());
                state.blueprints.push(other);
            }
        }
        let ids = |rows: &[OsCluster]| rows.iter().map(|row| row.id.clone()).collect::<BTreeSet<_>>();
        let found = world.sites.sync_clusters(Some(4)).await.unwrap();
        assert_eq!((found.added.len(), &found.updated, &found.deleted), (1, &vec![], &vec![lost.id.clone()]));
        assert_eq!(ids(&found.items), [kept.id.clone(), found.added[0].clone()].into());
        assert_eq!(ids(&world.sites.clusters(Some(5)).await.unwrap()), [far.id.clone(), far_lost.id.clone()].into());
        let all = world.sites.sync_clusters(None).await.unwrap();
        assert_eq!((all.added.len(), &all.deleted), (1, &vec![far_lost.id]));
        assert!(world.sites.sync_clusters(None).await.unwrap().added.is_empty());
        assert!(
            all.items
                .iter()
                .any(|row| row.nfvcl_id.as_deref() == Some("ELSE05") && row.pop_area == 5 && !row.karmada.wanted)
        );
    }
}

#[tokio::test]
async fn a_cluster_that_comes_out_broken_says_why_and_goes_by_force_where_nfvcl_can() {
    for world in worlds("a_cluster_that_comes_out_broken_says_why_and_goes_by_force_where_nfvcl_can").await {
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        world.nfvcl.state().broken = Some("Unable to establish connection to the VIM".to_owned());
        let broken = ready(&world, "athens").await;
        assert_eq!(
            (broken.state, broken.reason.as_deref()),
            (ClusterState::Failed, Some("Unable to establish connection to the VIM"))
        );
        world.sites.delete_cluster(&broken.id, false).await.unwrap();
        world.sites.look().await;
        assert_eq!(
            world.sites.cluster(&broken.id).await.unwrap().state,
            ClusterState::Failed,
            "the deletion failed as well"
        );
        world.sites.delete_cluster(&broken.id, true).await.unwrap();
        let client = Nfvcl::new(&world.nfvcl.url, Version::Auto, Auth::None).unwrap();
        if client.contract().await.unwrap().has_force {
            world.nfvcl.settle();
            world.sites.look().await;
            assert!(world.sites.cluster(&broken.id).await.is_err());
        }
    }
}

#[tokio::test]
async fn clusters_that_others_made_are_listed_under_an_id_that_stays() {
    for world in worlds("clusters_that_others_made_are_listed_under_an_id_that_stays").await {
        assert_eq!(world.sites.bare_metal().await.unwrap(), [], "there is no topology yet");
        let other = json!({"name": "rack-1", "provided_by": "EXTERNAL", "credentials": PASSWORD, "areas": [3], "networks": [{"name": "m"}]});
        world.nfvcl.state().external.push(other);
        world.sites.create_vim(vim("athens", 4)).await.unwrap();
        ready(&world, "athens").await;
        let listed = world.sites.bare_metal().await.unwrap();
        assert_eq!(
            (listed.len(), listed[0].name.as_str(), listed[0].mgmt_network.as_deref()),
            (1, "rack-1", Some("m"))
        );
        assert!(listed[0].smo_id.starts_with("BM_K8S_3_") && listed[0].smo_id.len() == "BM_K8S_3_abcde".len());
        assert_eq!(world.sites.bare_metal().await.unwrap(), listed);
        assert!(!serde_json::to_string(&world.store.docs("bm_k8s").await.unwrap()).unwrap().contains(PASSWORD));
    }
}
